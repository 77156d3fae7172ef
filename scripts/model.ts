/**
 * `npm run model -- [histories] [seed]`: plays random histories of calls against a real PostgreSQL and explains
 * each with a model, 100,000 unless said. The same seed gives the same histories.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createProgram, runProgram } from '../src/cli/command-line.ts'
import { wholeNumberParser } from '../src/cli/option-values.ts'

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const ARGUMENTS = [
  'run',
  'test/model/settlement',
  'test/model/replay',
  '--project=system',
  '--disable-console-intercept=true',
]

const program = createProgram(
  'npm run model --',
  'play random histories of calls, postbacks, clocks and processes beside a model of the money',
)
  .argument('[histories]', 'how many', wholeNumberParser(), 100_000)
  .argument('[seed]', 'of all chance: the same gives the same histories', wholeNumberParser(), 1)
  .action(play)
await runProgram(program, process.argv)

async function play(histories: number, seed: number): Promise<void> {
  const env = { ...process.env, MODEL_HISTORIES: String(histories), MODEL_SEED: String(seed) }
  const child = spawn(process.execPath, [VITEST, ...ARGUMENTS], { stdio: 'inherit', env })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  process.exitCode = exitCode ?? 1
}
