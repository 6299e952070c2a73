import pg from 'pg';

/** Each query gives lines `(sort, text)` of one kind of object, read from the catalogue of schema `public`. */
const QUERIES: readonly (readonly [title: string, sql: string])[] = [
  ['Tables and columns', `
    SELECT format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
                  CASE WHEN d.adbin IS NULL THEN ''
                       WHEN a.attgenerated = 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED'
                       WHEN a.attidentity <> '' THEN ' IDENTITY'
                       ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END) AS line
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'v', 'm')
    ORDER BY c.relname, a.attnum`],
  ['Constraints', `
    SELECT format('%s: %s %s', t.relname, c.conname, pg_get_constraintdef(c.oid)) AS line
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
    WHERE c.contype <> 'n'
    ORDER BY t.relname, c.conname`],
  ['Indexes', `
    SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'public' ORDER BY tablename, indexname`],
  ['Views', `
    SELECT format('%s: %s', viewname, definition) AS line FROM pg_views WHERE schemaname = 'public' ORDER BY viewname`],
  ['Triggers', `
    SELECT format('%s: %s', c.relname, pg_get_triggerdef(t.oid)) AS line
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    WHERE NOT t.tgisinternal ORDER BY c.relname, t.tgname`],
  ['Functions', `
    SELECT pg_get_functiondef(p.oid) AS line
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public'
    WHERE p.prokind IN ('f', 'p') ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)`],
  ['Privileges of the service’s role', `
    SELECT format('%s: %s', table_name, string_agg(privilege_type, ', ' ORDER BY privilege_type)) AS line
    FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND grantee = 'benren_app'
    GROUP BY table_name ORDER BY table_name`],
  ['Privileges on single columns', `
    SELECT format('%s: %s (%s)', g.table_name, g.privilege_type, string_agg(g.column_name, ', ' ORDER BY g.column_name)) AS line
    FROM information_schema.role_column_grants g
    WHERE g.table_schema = 'public' AND g.grantee = 'benren_app' AND NOT EXISTS (
      SELECT 1 FROM information_schema.role_table_grants t
      WHERE t.table_schema = 'public' AND t.grantee = g.grantee AND t.table_name = g.table_name AND t.privilege_type = g.privilege_type)
    GROUP BY g.table_name, g.privilege_type ORDER BY g.table_name, g.privilege_type`],
];

/** What the migrations made, as text that a person can review and a test can compare. Not a script to be run. */
export async function printSchema(ownerUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const parts = ['-- The schema that the migrations make, printed from the catalogue by `npm run schema`. Never edited.'];
    for (const [title, sql] of QUERIES) {
      const { rows } = await client.query<{ line: string }>(sql);
      if (rows.length > 0) parts.push(`\n-- ${title}\n`, ...rows.map((row) => row.line.trimEnd()));
    }
    return `${parts.join('\n')}\n`;
  } finally {
    await client.end();
  }
}
