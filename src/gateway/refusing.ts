import { Refusal } from '../kernel/refusals.ts';
import type { NotAdmitted } from './admission.ts';

/** The refusal of a decision that said no. Thrown after the commit, so that the signed receipt is kept. */
export function denied({ clauses, decisionId, outputId, left }: NotAdmitted): Refusal {
  return new Refusal('denied', `Denied: ${clauses.join(', ')}. Nothing was charged.`, { extra: { clauses, decisionId, outputId, left } });
}
