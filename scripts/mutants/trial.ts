import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mutant, Proof } from '../../test/mutants/mutant.ts'
import type { Tree } from './tree.ts'

/** What came of one mutant. */
export interface Outcome {
  readonly mutant: Mutant
  /** `survived`: the proof passes without the behaviour. `broken`: it could not be run at all. */
  readonly kind: 'caught' | 'survived' | 'broken'
  /** What was run. */
  readonly proof: string
  readonly seconds: number
  /** The end of what it printed. */
  readonly said: string
}

/** Longer than any proof takes that fails; one that hangs has failed too. */
const TRIAL_MS_MAX = 120_000
const SAID_LENGTH = 1_500

/** Makes the mutant's change, runs its proof, and takes the change back. */
export async function tryMutant(tree: Tree, mutant: Mutant): Promise<Outcome> {
  const startedAtMs = performance.now()
  const { kind, said } = await tree.withMutant(mutant, () => runProof(tree.folder, mutant.proof))
  const seconds = (performance.now() - startedAtMs) / 1_000
  return { mutant, kind, seconds, proof: nameOf(mutant.proof), said: said.slice(-SAID_LENGTH) }
}

/** @throws Error where a plain call does not even pass in an unchanged copy: nothing could be told then */
export async function checkGround({ folder }: Tree): Promise<void> {
  const { kind, said } = await playScenario(folder, 'complete')
  if (kind !== 'survived')
    throw new Error(`the unchanged source fails: ${said.slice(-SAID_LENGTH)}`)
}

type Trial = Pick<Outcome, 'kind' | 'said'>

const nameOf = (proof: Proof): string =>
  'scenario' in proof ? proof.scenario : `${proof.test.file} "${proof.test.name}"`

function runProof(folder: string, proof: Proof): Promise<Trial> {
  return 'scenario' in proof ? playScenario(folder, proof.scenario) : runTest(folder, proof.test)
}

/** The scenario has to have been played: a service that does not even start proves nothing. */
async function playScenario(folder: string, name: string): Promise<Trial> {
  const { said, isLate } = await run(folder, ['bin/bridgeback.js', 'scenarios', name])
  if (isLate) return { kind: 'caught', said }
  if (/^1 passed, 0 failed$/m.test(said)) return { kind: 'survived', said }
  return { kind: /^0 passed, 1 failed$/m.test(said) ? 'caught' : 'broken', said }
}

async function runTest(
  folder: string,
  { file, name }: { readonly file: string; readonly name: string },
): Promise<Trial> {
  const report = join(folder, 'report.json')
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    `test/${file}`,
    '-t',
    pattern,
    ...reporters,
  ]
  const { said, isLate } = await run(folder, args)
  if (isLate) return { kind: 'caught', said }
  const text = await readFile(report, 'utf8').catch(() => '{}')
  await rm(report, { force: true })
  const { numFailedTests = 0, numPassedTests = 0 } = JSON.parse(text) as Counts
  if (numFailedTests > 0) return { kind: 'caught', said }
  return { kind: numPassedTests > 0 ? 'survived' : 'broken', said }
}

interface Counts {
  readonly numFailedTests?: number
  readonly numPassedTests?: number
}

/** Runs Node with these arguments, in a process group of its own so that nothing outlives it. */
async function run(
  cwd: string,
  args: readonly string[],
): Promise<{ readonly said: string; readonly isLate: boolean }> {
  const child = spawn(process.execPath, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  let said = ''
  let isLate = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  }
  const end = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  const timer = setTimeout(() => {
    isLate = true
    end()
  }, TRIAL_MS_MAX)
  process.once('exit', end)
  await once(child, 'close')
  process.removeListener('exit', end)
  clearTimeout(timer)
  return { said, isLate }
}
