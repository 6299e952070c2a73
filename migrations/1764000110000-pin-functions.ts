import type { MigrationInterface, QueryRunner } from 'typeorm';

import { pinFunctions } from './pin-functions.ts';

/** The functions of the migrations before this one; later ones pin theirs themselves. */
export class PinFunctions1764000110000 implements MigrationInterface {
  name = 'PinFunctions1764000110000';

  async up(runner: QueryRunner): Promise<void> {
    await pinFunctions(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations only go forward.');
  }
}
