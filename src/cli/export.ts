import type { Command } from 'commander'
import { stringify } from 'yaml'
import { type Config, parseConfig } from '../config.ts'
import { currentConfiguration } from '../db/configurations.ts'
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

/** The configuration in force as a YAML document that `apply` takes; `{}` before there is one. */
export async function exportConfiguration(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
): Promise<string> {
  const current = await withDatabase(config, currentConfiguration)
  return stringify(current?.document ?? {})
}
