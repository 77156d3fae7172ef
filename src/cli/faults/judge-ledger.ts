import type { Database } from '../../db/queryable.ts'
import { verifyLedger } from '../../flow/verify-ledger.ts'
import { ledgerOf } from '../verify.ts'
import { atLeast, none, type Verdict } from './verdict.ts'

/**
 * I4, I5: every chain and anchor holds, no call was settled before its time, every amount follows from its
 * facts, and every call stands as its last entry says. An anchor there has to be, made between two kills.
 */
export async function judgeLedger(database: Database): Promise<readonly Verdict[]> {
  const found = await verifyLedger(ledgerOf(database))
  if (found.kind === 'wrong') return [none('ledger', [`${found.place} ${found.problem}`])]
  return [none('ledger', []), atLeast('anchors', 1, found.anchors)]
}
