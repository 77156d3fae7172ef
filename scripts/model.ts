/**
 * `npm run model -- [histories] [seed]`: plays random histories of calls against a real PostgreSQL and explains
 * each with a model, 100,000 unless said. The same seed gives the same histories.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const ARGUMENTS = [
  'run',
  'test/model/settlement',
  'test/model/replay',
  '--project=system',
  '--disable-console-intercept=true',
]
const HISTORIES_DEFAULT = '100000'

const [histories = HISTORIES_DEFAULT, seed = '1', ...more] = process.argv.slice(2)
const isUnderstood = [histories, seed].every((text) => /^[1-9]\d{0,8}$/.test(text))
if (isUnderstood && more.length === 0) await play()
else {
  process.stderr.write('Say how many histories, and the seed: "npm run model -- 100000 1".\n')
  process.exitCode = 1
}

async function play(): Promise<void> {
  const env = { ...process.env, MODEL_HISTORIES: histories, MODEL_SEED: seed }
  const child = spawn(process.execPath, [VITEST, ...ARGUMENTS], { stdio: 'inherit', env })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  process.exitCode = exitCode ?? 1
}
