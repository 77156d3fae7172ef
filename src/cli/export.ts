import type { Command } from 'commander'
import { stringify } from 'yaml'
import { type Config, parseConfig } from '../config.ts'
import { readConfiguration } from '../flow/read-configuration.ts'
import { operator } from './operator.ts'
import { withDatabase } from './with-database.ts'

/** `bridgeback export`: writes the configuration in force. */
export function registerExport(program: Command): void {
  program
    .command('export')
    .description(
      'write the configuration in force as YAML, passwords of buyers and trunks included',
    )
    .action(async () => {
      process.stdout.write(await exportConfiguration(parseConfig(process.env)))
    })
}

/** The configuration in force as a YAML document that `apply` takes; `{}` before there is one. Put on record. */
export async function exportConfiguration(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
): Promise<string> {
  const current = await withDatabase(config, (database) => readConfiguration(database, operator()))
  return stringify(current?.document ?? {})
}
