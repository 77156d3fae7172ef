import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { createProgram, runProgram } from './command-line.ts'

type Register = (program: Command) => void

/** Every command, loaded only when it is asked for: the service is a lot to read for a short answer. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  start: async () => (await import('./start.ts')).registerStart,
  demo: async () => (await import('./demo.ts')).registerDemo,
  apply: async () => (await import('./apply.ts')).registerApply,
  export: async () => (await import('./export.ts')).registerExport,
  verify: async () => (await import('./verify.ts')).registerVerify,
  rehearse: async () => (await import('./rehearse.ts')).registerRehearse,
  replay: async () => (await import('./replay.ts')).registerReplay,
  'drop-month': async () => (await import('./drop-month.ts')).registerDropMonth,
  scenarios: async () => (await import('./scenarios.ts')).registerScenarios,
  engine: async () => (await import('./engine.ts')).registerEngine,
  bench: async () => (await import('./bench.ts')).registerBench,
  faults: async () => (await import('./faults.ts')).registerFaults,
}

/** The `bridgeback` command. */
export async function main(argv: readonly string[]): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const program = createProgram('bridgeback', manifest.description).version(manifest.version)
  const [, , name = ''] = argv
  const asked = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]] : Object.values(COMMANDS)
  for (const load of asked) (await load?.())?.(program)
  await runProgram(program, argv)
}
