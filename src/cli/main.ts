import { existsSync } from 'node:fs'
import { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { AppError } from '../domain/app-error.ts'
import { registerApply } from './apply.ts'
import { registerBench } from './bench.ts'
import { registerDemo } from './demo.ts'
import { registerEngine } from './engine.ts'
import { registerExport } from './export.ts'
import { registerScenarios } from './scenarios.ts'
import { registerStart } from './start.ts'
import { registerVerify } from './verify.ts'

/** The `bridgeback` command. Exits non-zero on failure, after one sentence of what to do. */
export async function main(argv: readonly string[]): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const program = new Command('bridgeback')
    .description(manifest.description)
    .version(manifest.version)
    .showHelpAfterError('(try --help)')
  for (const register of [
    registerStart,
    registerDemo,
    registerApply,
    registerExport,
    registerScenarios,
    registerEngine,
    registerBench,
    registerVerify,
  ]) {
    register(program)
  }
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
