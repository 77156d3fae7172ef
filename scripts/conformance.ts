/**
 * Runs the conformance suite on a drachtio-server, and beside it on the embedded engine:
 * `npm run conformance -- --drachtio 127.0.0.1:9022 --secret S --sip 127.0.0.1:5060`.
 */
import { createProgram, runProgram } from '../src/cli/command-line.ts'
import {
  type Address,
  addressOption,
  parseAddress,
  wholeNumberParser,
} from '../src/cli/option-values.ts'
import { AppError } from '../src/domain/app-error.ts'
import { CASES } from '../test/conformance/cases.ts'
import { startEngineSubjects } from '../test/conformance/engine-subjects.ts'
import { openFrames } from '../test/conformance/frames.ts'
import { onStage } from '../test/conformance/stage.ts'
import {
  type Case,
  expectationOf,
  findPlace,
  type SipPlace,
  type Subject,
} from '../test/conformance/subject.ts'
import { createAuthority } from '../test/support/certificates.ts'

interface ConformanceOptions {
  readonly drachtio?: Address
  readonly secret: string
  readonly sip: Address
  readonly timeoutMs: number
  readonly only: string
  readonly checkDifferences?: boolean
}

/** How one case is run, and what has come of all so far. */
interface Run {
  readonly subjectsOf: (one: Case) => readonly Subject[]
  readonly checksDifferences: boolean
  failures: number
  readonly passed: Record<string, number>
}

const program = createProgram(
  'npm run conformance --',
  'show that the embedded engine and a drachtio-server both do the same, or differ on purpose',
)
  .option('--drachtio <host:port>', 'its admin port; the engine alone unless given', parseAddress)
  .option('--secret <secret>', 'what it wants to be told', 'cymru')
  .addOption(addressOption('--sip', 'where it speaks SIP over UDP', 5060))
  .option('--timeout-ms <n>', 'how long its 64·T1 is', wholeNumberParser(), 32_000)
  .option('--only <text>', 'only cases with this in their part or name', '')
  .option(
    '--check-differences',
    'fail where drachtio-server is said to do otherwise and does as the engine does',
  )
  .action(runConformance)
await runProgram(program, process.argv)

async function runConformance(options: ConformanceOptions): Promise<void> {
  const parts = choose(options.only)
  const server = await openDrachtio(options)
  const engines = await startEngineSubjects((error) => {
    run.failures++
    print(
      `      engine: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  })
  const run: Run = {
    subjectsOf: (one) => [engines.of(one), ...server],
    checksDifferences: options.checkDifferences ?? false,
    failures: 0,
    passed: {},
  }
  for (const { part, cases } of parts) {
    print(part)
    for (const one of cases) await show(run, one)
  }
  await engines.close()
  for (const [kind, count] of Object.entries(run.passed)) print(`${kind}: ${count} passed`)
  print(run.failures === 0 ? 'Everything is as expected.' : `${run.failures} not as expected.`)
  process.exitCode = run.failures === 0 ? 0 : 1
}

/** @throws AppError if there is none, since nothing would have been shown */
function choose(only: string): readonly { readonly part: string; readonly cases: Case[] }[] {
  const parts = Object.entries(CASES).map(([part, all]) => {
    return { part, cases: all.filter(({ name }) => `${part}: ${name}`.includes(only)) }
  })
  const chosen = parts.filter(({ cases }) => cases.length > 0)
  if (chosen.length > 0) return chosen
  throw new AppError('not_found', `No case is called "${only}": leave --only out to see all.`)
}

/** The server that the options name, if they do. @throws AppError saying why it cannot be asked */
async function openDrachtio(options: ConformanceOptions): Promise<readonly Subject[]> {
  const { drachtio: admin, secret, sip, timeoutMs } = options
  if (!admin) return []
  const address = `${admin.host}:${admin.port}`
  const frames = await openFrames(admin).catch((cause: unknown) => {
    throw new AppError(
      'drachtio_unreachable',
      `No drachtio-server answers at ${address}: start it, or name its admin port with --drachtio.`,
      { cause },
    )
  })
  const { words } = await frames.ask(`authenticate|${secret}|`)
  frames.close()
  if (words[0] !== 'OK') {
    throw new AppError(
      'unauthorised',
      `The server at ${address} refuses the secret: give its own with --secret.`,
    )
  }
  const phoneIdentity = createAuthority('Conformance').issue({ hosts: ['127.0.0.1', '::1'] })
  const places = placesOf(words[1] ?? '')
  return [
    { kind: 'drachtio', admin, secret, sip, places, phoneIdentity, timeoutMs, secondMs: 1_000 },
  ]
}

/** Reads what a server says of its addresses: `udp/127.0.0.1:5060,tls/[::1]:5061`. */
function placesOf(hostports: string): readonly SipPlace[] {
  return hostports.split(',').flatMap((text) => {
    const [, transport, v6, v4, port] = /^(udp|tcp|tls)\/(?:\[(.+)\]|(.+)):(\d+)$/.exec(text) ?? []
    const host = v6 ?? v4
    return transport === undefined || host === undefined
      ? []
      : [{ transport: transport as SipPlace['transport'], host, port: Number(port) }]
  })
}

/** Runs one case on every server and prints a line, and the reason where they differ on purpose. */
async function show(run: Run, one: Case): Promise<void> {
  const results: string[] = []
  const problems: string[] = []
  const subjects = run.subjectsOf(one)
  for (const subject of subjects) {
    if (one.needs && !findPlace(subject, one.needs)) {
      results.push(`${subject.kind} n/a`)
      continue
    }
    const problem = (await problemOf(one, subject)) ?? (await outdatedDifference(run, one, subject))
    results.push(`${subject.kind} ${problem === undefined ? 'ok' : 'FAILS'}`)
    if (problem === undefined) run.passed[subject.kind] = (run.passed[subject.kind] ?? 0) + 1
    else problems.push(`${subject.kind}: ${problem}`)
  }
  run.failures += problems.length
  print(`  ${results.join('  ').padEnd(subjects.length * 15)} ${one.name}`)
  if (one.differs && subjects.length > 1) print(`      differs: ${one.differs.why}`)
  for (const problem of problems) print(`      ${problem}`)
}

async function outdatedDifference(
  { checksDifferences }: Pick<Run, 'checksDifferences'>,
  one: Case,
  subject: Subject,
): Promise<string | undefined> {
  if (!checksDifferences || subject.kind === 'engine' || !one.differs) return undefined
  const { run, name, seconds = 0 } = one
  const isSame = (await problemOf({ name, run, seconds }, subject)) === undefined
  return isSame ? 'does as the engine does, although the case says otherwise' : undefined
}

async function problemOf(one: Case, subject: Subject): Promise<string | undefined> {
  try {
    const limitMs = subject.timeoutMs + (one.seconds ?? 0) * subject.secondMs + 15_000
    await within(limitMs, onStage(subject, expectationOf(one, subject)))
    return undefined
  } catch (error) {
    return error instanceof Error
      ? error.message.replaceAll('\n', ' ').slice(0, 300)
      : String(error)
  }
}

/** A case that waits for what never comes must not hold the others up. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`not over after ${limitMs} ms`))
  }, limitMs)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
