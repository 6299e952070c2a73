import { describe, expect, it } from 'vitest';

import { sha256Hex } from '../../src/kernel/digest.ts';
import { statementPdfV1 as statementPdf } from '../../src/royalties/pdf-v1.ts';
import type { StatementV1 as StatementDocument } from '../../src/royalties/statement-v1.ts';

const LINE = {
  adjustment: false, firstDay: null, cloneId: null, cloneName: '林雅', tierId: null, tierName: null, runId: null, potId: null, potMinor: null,
  splitId: null, splitNumber: null, basisPoints: null, refundId: null, payoutId: null, position: '8',
} as const;

const document: StatementDocument = {
  type: 'benren.statement', schemaVersion: 1, statementId: 'stm_0123456789abcdefghjkmnpqrs', number: '3', payee: 'acc_0123456789abcdefghjkmnpqrs',
  payeeName: 'Lin Ya · 林雅', currency: 'CNY', timeZone: 'Asia/Shanghai', fromDay: '2026-01-01', throughDay: '2026-02-01', closedAt: '2026-02-03T04:05:06.000Z',
  fromPosition: '7', toPosition: '19', previousStatementSha256: 'a'.repeat(64), openingMinor: '756', closingMinor: '1296',
  totals: { earningsMinor: '600', adjustmentsMinor: '0', refundsMinor: '-60', debtNettedMinor: '0', payoutsMinor: '0', otherMinor: '0', linesMinor: '540' },
  lines: [
    {
      ...LINE, lineId: '1', kind: 'earning', effectiveDate: '2026-01-31', firstDay: '2026-01-02', tierName: 'friend', potMinor: '857', basisPoints: 7000,
      splitNumber: '2', amountMinor: '600', balanceMinor: '1356', runId: 'run_1', transferId: 'trf_1',
    },
    { ...LINE, lineId: '2', kind: 'refund', adjustment: true, effectiveDate: '2026-01-31', amountMinor: '-60', balanceMinor: '1296', refundId: 'rfd_1', transferId: 'trf_2' },
  ],
  debt: {
    openingMinor: '0', closingMinor: '12',
    lines: [{ lineId: '1', kind: 'refund', effectiveDate: '2026-01-20', cloneId: null, cloneName: '林雅', amountMinor: '12', refundId: 'rfd_2', runId: null, transferId: 'trf_3', position: '9' }],
  },
};

describe('a statement on paper', () => {
  it('has the bytes that it always had: somebody holds a copy', async () => {
    const bytes = await statementPdf(document, { digest: 'b'.repeat(64), keyId: 'c'.repeat(16), leafId: 'lef_1' });
    expect(sha256Hex(bytes)).toBe('c59d03e4aa820879a95e33b5f16ae717ff1ad52b309e87040037e614d6052a88');
  });
});
