import { EntitySchema, EntitySchemaOptions } from 'typeorm';

/** A plain table as TypeORM's repository sees it. Constraints, triggers and indices are the migrations' alone. */
export function plainTable<Row extends object>(
  table: Pick<EntitySchemaOptions<Row>, 'name' | 'tableName' | 'columns'>,
): EntitySchema<Row> {
  return new EntitySchema<Row>(Object.assign(new EntitySchemaOptions<Row>(), table));
}
