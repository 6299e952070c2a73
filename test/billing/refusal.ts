import { Refusal } from '../../src/kernel/refusals.ts';

/** The code of the refusal that a call ends with; `none` when it does not refuse. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
