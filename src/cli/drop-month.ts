import type { Command } from 'commander'
import { type Config, parseConfig } from '../config.ts'
import { insertAct } from '../db/audit.ts'
import { dropMonth } from '../db/months.ts'
import { AppError } from '../domain/app-error.ts'
import { operator } from './operator.ts'
import { withDatabase } from './with-database.ts'

/** `bridgeback drop-month`: takes a month that is over out of the database. */
export function registerDropMonth(program: Command): void {
  program
    .command('drop-month')
    .description(
      'take a month that is over out of the database, with all that belongs to its calls',
    )
    .argument('<month>', 'by UTC, as in 2026-01')
    .requiredOption('--confirm', 'do it: what is dropped is in backups and exports alone')
    .action(async (month: string) => {
      process.stdout.write(`${await dropMonthOf(parseConfig(process.env), month)}\n`)
    })
}

/** Drops a month, and gives what people are told. @throws AppError saying what stands in the way */
export function dropMonthOf(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  month: string,
): Promise<string> {
  return withDatabase(config, async (database) => {
    const done = await dropMonth(database, month, (db, details) =>
      insertAct(db, operator(), { what: 'month.dropped', subject: month, details: { ...details } }),
    )
    if (done.kind === 'refused') throw new AppError('conflict', done.why)
    return `${done.calls} calls of ${month} were dropped; of their ${done.entries} entries in the ledger the hashes remain.`
  })
}
