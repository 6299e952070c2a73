import type { Tx } from '../kernel/tx.ts';
import { balancesOf, currenciesOf, payeesAfter } from './balances.ts';
import type { RoyaltiesDeps } from './deps.ts';
import { findAccount, findSetting } from './payout-store.ts';
import { LEAST_PAYOUT_MINOR } from './model.ts';
import * as store from './reminder-store.ts';

/** Payees to whom money waits and who have no account at the processor that can be paid. */
export interface Reminders {
  /** Tick: reminds each of them, at once and then every thirty days, until they are onboarded or nothing waits. Twice at once is once. */
  remindUnready: () => Promise<void>;
}

const EVERY_MS = 30 * 86_400_000;
const PAYEES_AT_ONCE = 500;

/** What would be paid out if they could be paid, by currency: what reaches the least payout, or their own. */
async function waitingFor(tx: Tx, deps: RoyaltiesDeps, payee: string): Promise<store.ReminderRow['waiting']> {
  const waiting: store.ReminderRow['waiting'] = [];
  for (const currency of await currenciesOf(tx, deps, payee)) {
    const { unpaidMinor, debtMinor } = await balancesOf(tx, deps, payee, currency);
    const leastMinor = (await findSetting(tx, payee, currency))?.minimumMinor ?? LEAST_PAYOUT_MINOR;
    if (unpaidMinor - debtMinor >= leastMinor) waiting.push({ currency, unpaidMinor: (unpaidMinor - debtMinor).toString() });
  }
  return waiting;
}

async function remind(tx: Tx, deps: RoyaltiesDeps, payee: string): Promise<void> {
  if ((await findAccount(tx, payee))?.transfersActive === true) return;
  const last = await store.lockReminders(tx, payee);
  const remindedAt = deps.clock.now();
  if (last !== null && remindedAt.getTime() < last.remindedAt.getTime() + EVERY_MS) return;
  const waiting = await waitingFor(tx, deps, payee);
  if (waiting.length > 0) await store.insertReminder(tx, payee, { number: (last?.number ?? 0) + 1, waiting, remindedAt });
}

export function makeReminders(deps: RoyaltiesDeps): Reminders {
  const { runTx } = deps;
  return {
    async remindUnready() {
      let before: string | null = null;
      for (let after: string | null = ''; after !== null;) {
        const place: string = after;
        const { payees, next } = await runTx((tx) => payeesAfter(tx, deps, place, PAYEES_AT_ONCE));
        for (const { payee } of payees) {
          // One that has several currencies comes once for each, one behind the other.
          if (payee !== before) await runTx((tx) => remind(tx, deps, payee));
          before = payee;
        }
        after = next;
      }
    },
  };
}
