import { type Command, InvalidArgumentError } from 'commander'
import { requireSipp } from '../../sip-scenarios/sipp.ts'
import { AppError } from '../domain/app-error.ts'
import { runEngineSoak, type SoakOptions } from './engine-soak/run.ts'
import { type Cluster, startCluster } from './faults/cluster.ts'
import type { Verdict } from './faults/verdict.ts'
import { judgeEffort } from './faults/judge.ts'
import { runFaults, type RunOptions, type RunResult } from './faults/run.ts'
import { SEEDED_BUGS } from './faults/seeded-bugs.ts'
import { wholeNumberParser } from './option-values.ts'

interface FaultsCommandOptions {
  readonly seed: number
  readonly calls?: number
  readonly minutes?: number
  readonly rate: number
  readonly loss: number
  readonly json?: boolean
}

const CRASHES = 'crashes'
const ENGINE_SOAK = 'engine-soak'
const BUG = 'bug/'
const NAMES: readonly string[] = [
  CRASHES,
  ENGINE_SOAK,
  ...SEEDED_BUGS.map(({ name }) => `${BUG}${name}`),
]

const CALLS = 20_000
const BUG_CALLS = 600
const MINUTES = 30
const SOAK_MINUTES = 10
const MINUTES_MAX = 600
/** With more, a message is now and then lost as often as it may be repeated. */
const LOSS_MAX = 5
/** As a shell reports what Ctrl-C has ended. */
const INTERRUPTED = 130

/** One line of the result. */
export interface FaultLine {
  readonly fault: string
  readonly invariant: string
  readonly expected: number
  readonly seen: number
  readonly ok: boolean
}

/** `bridgeback faults`: the service under kills and crashes, and whether its promises hold. */
export function registerFaults(program: Command): void {
  program
    .command('faults')
    .description(
      'kill the service about every second and crash PostgreSQL about every ten while calls and postbacks run, and check what is left',
    )
    .argument(
      '[names...]',
      `which: ${CRASHES}, ${ENGINE_SOAK}, bugs, ${BUG}NAME; ${CRASHES} unless said`,
    )
    .option('--seed <n>', 'of everything that is left to chance', wholeNumberParser(), 1)
    .option(
      '--calls <n>',
      `how many; ${CALLS}, with a seeded bug ${BUG_CALLS}`,
      wholeNumberParser(),
    )
    .option(
      '--minutes <n>',
      `begin no call after, and fail if some are missing then; ${MINUTES}, with ${ENGINE_SOAK} ${SOAK_MINUTES}`,
      parseMinutes,
    )
    .option('--rate <n>', `${ENGINE_SOAK}: calls a second`, wholeNumberParser(), 200)
    .option(
      '--loss <percent>',
      `${ENGINE_SOAK}: of all packets, how many are lost`,
      wholeNumberParser({ from: 0, to: LOSS_MAX }),
      1,
    )
    .option('--json', 'one line of JSON an invariant instead of a table')
    .addHelpText(
      'after',
      () =>
        `\n${ENGINE_SOAK} lets SIPp call SIPp through the embedded SIP engine and a B2BUA that is killed every minute,\nwhile packets are lost and strangers send what they please; it needs SIPp and no PostgreSQL.\n\nSeeded bugs are put into the service on purpose; a run passes if they are caught:\n${SEEDED_BUGS.map(({ name, about }) => `  ${BUG}${name}  ${about}`).join('\n')}`,
    )
    .action(runCommand)
}

function parseMinutes(text: string): number {
  const minutes = Number(text)
  if (/^\d+(?:\.\d+)?$/.test(text) && minutes > 0 && minutes <= MINUTES_MAX) return minutes
  throw new InvalidArgumentError(`Write a number of minutes, at most ${MINUTES_MAX}.`)
}

async function runCommand(given: readonly string[], options: FaultsCommandOptions): Promise<void> {
  const names = given.length === 0 ? [CRASHES] : given.flatMap(expandName)
  const lines: FaultLine[] = []
  if (names.includes(ENGINE_SOAK)) lines.push(...(await runSoak(options)))
  const others = names.filter((name) => name !== ENGINE_SOAK)
  if (others.length > 0) lines.push(...(await runOnCluster(others, options)))
  const print = options.json ? (line: FaultLine) => JSON.stringify(line) : formatLine
  process.stdout.write(`${lines.map(print).join('\n')}\n`)
  if (lines.some(({ ok }) => !ok)) process.exitCode = 1
}

async function runOnCluster(
  names: readonly string[],
  options: FaultsCommandOptions,
): Promise<readonly FaultLine[]> {
  const cluster = await startCluster()
  const interrupted = () => void cluster.close().finally(() => process.exit(INTERRUPTED))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const lines: FaultLine[] = []
    for (const [index, name] of names.entries()) {
      lines.push(...(await runOne(cluster, name, { ...options, run: `run_${index}` })))
    }
    return lines
  } finally {
    await cluster.close()
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
  }
}

async function runSoak({
  loss,
  minutes = SOAK_MINUTES,
  rate,
  seed,
}: FaultsCommandOptions): Promise<readonly FaultLine[]> {
  requireSipp()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(INTERRUPTED))
  const { verdicts, summary } = await runEngineSoak({
    ...LONG_SOAK,
    seed,
    rate,
    seconds: Math.ceil(minutes * 60),
    lossPercent: loss,
    progress: (text) => void process.stderr.write(`${text}\n`),
  })
  process.stderr.write(`${ENGINE_SOAK}: ${summary}\n`)
  return verdicts.map((verdict) => lineOf(ENGINE_SOAK, verdict))
}

/** SIP's own timers, an application that lives for a minute. */
const LONG_SOAK = {
  killEveryMs: 60_000,
  warmUpSeconds: 10,
  t1Ms: 500,
} as const satisfies Partial<SoakOptions>

function expandName(name: string): readonly string[] {
  if (name === 'bugs') return NAMES.filter((each) => each.startsWith(BUG))
  if (NAMES.includes(name)) return [name]
  throw new AppError(
    'not_found',
    `There is no fault "${name}": choose from bugs, ${NAMES.join(', ')}.`,
  )
}

async function runOne(
  cluster: Cluster,
  name: string,
  { run, calls, seed, minutes = MINUTES }: FaultsCommandOptions & { readonly run: string },
): Promise<readonly FaultLine[]> {
  const bug = name.startsWith(BUG) ? name.slice(BUG.length) : undefined
  const progress = (text: string) => void process.stderr.write(`${name}: ${text}\n`)
  const wanted = calls ?? (bug === undefined ? CALLS : BUG_CALLS)
  const common = { name: run, seed, progress, calls: wanted }
  const result = await runFaults(
    cluster,
    bug === undefined
      ? { ...LONG_RUN, ...common, minutes }
      : { ...SHORT_RUN, ...common, seededBug: bug },
  )
  process.stderr.write(`${name}: ${summaryOf(result)}\n`)
  if (bug !== undefined) return [caught(name, result)]
  return [...result.verdicts, ...judgeEffort(result, wanted)].map((each) => lineOf(name, each))
}

/** Receivers fail a delivery up to twice, so the last is sent half a minute after the last call. */
const LONG_RUN = {
  concurrency: 64,
  crashEveryMs: 10_000,
  failuresMax: 2,
  restMs: 180_000,
} as const satisfies Partial<RunOptions>

/** As short as a run can be and still be killed, crashed and brought to rest. */
export const SHORT_RUN = {
  concurrency: 48,
  crashEveryMs: 5_000,
  failuresMax: 1,
  minutes: 1,
  restMs: 120_000,
} as const satisfies Partial<RunOptions>

function summaryOf({ calls, requests, kills, crashes, seconds }: RunResult): string {
  return `${calls} calls, ${requests} requests, ${kills} kills, ${crashes} crashes of PostgreSQL in ${Math.round(seconds)} s`
}

function lineOf(fault: string, { invariant, expected, seen, ok, example }: Verdict): FaultLine {
  if (!ok) process.stderr.write(`  ${invariant}: ${example}\n`)
  return { fault, invariant, expected, seen, ok }
}

/** A seeded bug is caught if any promise is broken. */
function caught(fault: string, { verdicts }: RunResult): FaultLine {
  const broken = verdicts.filter(({ ok }) => !ok)
  process.stderr.write(`  by ${broken.map(({ invariant }) => invariant).join(', ') || 'nothing'}\n`)
  const ok = broken.length > 0
  return { fault, invariant: 'caught', expected: 1, seen: ok ? 1 : 0, ok }
}

const formatLine = ({ fault, invariant, expected, seen, ok }: FaultLine): string =>
  `${ok ? 'ok  ' : 'FAIL'}  ${fault.padEnd(30)}  ${invariant.padEnd(20)}  ${String(seen).padStart(6)}  of ${expected}`
