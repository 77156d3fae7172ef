import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { type Config, parseConfig } from '../config.ts'
import { AppError } from '../domain/app-error.ts'
import { readConfiguration } from '../flow/read-configuration.ts'
import { operator } from './operator.ts'
import { withDatabase } from './with-database.ts'

/** Passwords stand in it. */
const OWNER_ONLY = 0o600

/** `bridgeback export`: writes the configuration in force. */
export function registerExport(program: Command): void {
  program
    .command('export')
    .description(
      'write the configuration in force as YAML, passwords of buyers and trunks included',
    )
    .argument('[file]', 'where to, over what stands there; standard output unless given')
    .action(async (file?: string) => {
      const config = parseConfig(process.env)
      if (file === undefined) process.stdout.write(await exportConfiguration(config))
      else await exportToFile(config, file)
    })
}

/** Writes the configuration in force to a file that its owner alone can read. @throws AppError if it cannot */
export async function exportToFile(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  file: string,
): Promise<void> {
  const text = await exportConfiguration(config)
  try {
    await writeFile(file, text, { mode: OWNER_ONLY })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const message = `${file} cannot be written (${code}): name another file.`
    throw new AppError('not_found', message, { cause })
  }
}

/** The configuration in force as a YAML document that `apply` takes; `{}` before there is one. Put on record. */
export async function exportConfiguration(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
): Promise<string> {
  const current = await withDatabase(config, (database) => readConfiguration(database, operator()))
  return stringify(current?.document ?? {})
}
