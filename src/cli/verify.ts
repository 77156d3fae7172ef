import type { Command } from 'commander'
import { type Config, parseConfig } from '../config.ts'
import { findCallWithoutEntry, readLedger } from '../db/ledger.ts'
import { countRemains, listAnchors, readPlaces } from '../db/ledger-anchors.ts'
import type { Database } from '../db/queryable.ts'
import { createCampaignRulesCache } from '../flow/campaign-rules-cache.ts'
import { type LedgerSource, type Verification, verifyLedger } from '../flow/verify-ledger.ts'
import { exportLedger, openExport } from './verify-export.ts'
import { withDatabase } from './with-database.ts'

interface VerifyOptions {
  readonly export?: string
  readonly file?: string
  readonly anchor?: string
}

const RULES_KEPT = 1_000

/** `bridgeback verify`: checks the ledger; exit code 1 and the first bad entry if anything was changed. */
export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description(
      "check the ledger's chain and derive every amount again; exit 1 if anything was changed",
    )
    .option('--file <file>', 'verify an export, without the database')
    .option('--export <file>', 'write the ledger to a file that can be verified elsewhere')
    .option('--anchor <hash>', 'an anchor that was noted elsewhere and has to be there')
    .action(async (options: VerifyOptions) => {
      const lines = await verify(() => parseConfig(process.env), options)
      process.stdout.write(`${lines.lines.join('\n')}\n`)
      if (!lines.isRight) process.exitCode = 1
    })
}

/** What the command says, and whether the ledger is right. */
export interface VerifyResult {
  readonly isRight: boolean
  readonly lines: readonly string[]
}

/** Verifies the ledger of the database, or an export of it. @throws AppError saying what to do */
export async function verify(
  config: () => Pick<Config, 'databaseUrl' | 'dataDir'>,
  options: VerifyOptions,
): Promise<VerifyResult> {
  if (options.file !== undefined) return report(await openExport(options.file), options)
  return withDatabase(config(), async (database) => {
    const result = await report(ledgerOf(database), options)
    if (options.export === undefined) return result
    const written = await exportLedger(database, options.export)
    return { ...result, lines: [...result.lines, `Wrote ${written} lines to ${options.export}.`] }
  })
}

/** The ledger of a database as it is. */
export function ledgerOf(database: Database): LedgerSource {
  return {
    entries: () => readLedger(database),
    places: () => readPlaces(database),
    anchors: () => listAnchors(database),
    campaignRules: createCampaignRulesCache(database, RULES_KEPT),
    // One pass over all calls, however many there are.
    findCallWithoutEntry: () =>
      database.transaction(findCallWithoutEntry, { statementTimeoutMs: 0 }),
    countRemains: () => database.transaction(countRemains, { statementTimeoutMs: 0 }),
  }
}

async function report(
  source: LedgerSource,
  { anchor: noted }: VerifyOptions,
): Promise<VerifyResult> {
  const found = await verifyLedger(source)
  if (found.kind === 'wrong') return { isRight: false, lines: [sayWrong(found)] }
  if (noted !== undefined && !(await source.anchors()).some(({ hash }) => hash === noted)) {
    return {
      isRight: false,
      lines: [`WRONG: anchor ${noted} is not there; the ledger was cut off`],
    }
  }
  return { isRight: true, lines: sayRight(found) }
}

const sayWrong = ({ place, problem }: Extract<Verification, { kind: 'wrong' }>): string =>
  `WRONG: ${place} ${problem}`

function sayRight({
  entries,
  calls,
  anchors,
  remains,
  anchorHash,
}: Extract<Verification, { kind: 'right' }>): readonly string[] {
  return [
    `${entries} entries of ${calls} calls are unchanged and follow from their facts.`,
    ...(remains > 0
      ? [`Of ${remains} entries of months that were dropped, the anchors hold the hashes alone.`]
      : []),
    anchorHash === undefined
      ? 'Nothing is anchored yet.'
      : `${anchors} anchors hold; note the last one elsewhere: ${anchorHash}`,
  ]
}
