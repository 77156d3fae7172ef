/**
 * Runs the conformance suite on a drachtio-server, and beside it on the embedded engine:
 * `npm run conformance -- --drachtio 127.0.0.1:9022 --secret S --sip 127.0.0.1:5060`.
 */
import { parseArgs } from 'node:util'
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

const USAGE =
  'npm run conformance -- [--drachtio HOST:PORT --secret SECRET --sip HOST:PORT] ' +
  '[--timeout-ms 32000] [--only TEXT] [--check-differences]'

const { values } = parseArgs({
  options: {
    drachtio: { type: 'string' },
    secret: { type: 'string', default: 'cymru' },
    sip: { type: 'string', default: '127.0.0.1:5060' },
    'timeout-ms': { type: 'string', default: '32000' },
    only: { type: 'string', default: '' },
    /** Fails where drachtio-server is said to do otherwise and does as the engine does. */
    'check-differences': { type: 'boolean', default: false },
  },
})

let failures = 0
const engines = await startEngineSubjects((error) => {
  failures++
  print(`      engine: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
})
const passed: Record<string, number> = {}
const server = values.drachtio === undefined ? undefined : await drachtio(values.drachtio)
for (const [part, cases] of Object.entries(CASES)) {
  print(part)
  for (const one of cases.filter(({ name }) => `${part}: ${name}`.includes(values.only)))
    await show(one)
}
await engines.close()
for (const [kind, count] of Object.entries(passed)) print(`${kind}: ${count} passed`)
print(failures === 0 ? 'Everything is as expected.' : `${failures} not as expected.`)
process.exitCode = failures === 0 ? 0 : 1

async function drachtio(admin: string): Promise<Subject> {
  const { secret, sip } = values
  const frames = await openFrames(addressOf(admin))
  const { words } = await frames.ask(`authenticate|${secret}|`)
  frames.close()
  return {
    kind: 'drachtio',
    admin: addressOf(admin),
    secret,
    sip: addressOf(sip),
    places: placesOf(words[1] ?? ''),
    phoneIdentity: createAuthority('Conformance').issue({ hosts: ['127.0.0.1', '::1'] }),
    timeoutMs: Number(values['timeout-ms']),
    secondMs: 1_000,
  }
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

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const [host = '', port = ''] = text.split(':')
  if (host === '' || !/^\d+$/.test(port)) throw new Error(`"${text}" is no address. ${USAGE}`)
  return { host, port: Number(port) }
}

/** Runs one case on every server and prints a line, and the reason where they differ on purpose. */
async function show(one: Case): Promise<void> {
  const results: string[] = []
  const problems: string[] = []
  const subjects = [engines.of(one), ...(server ? [server] : [])]
  for (const subject of subjects) {
    if (one.needs && !findPlace(subject, one.needs)) {
      results.push(`${subject.kind} n/a`)
      continue
    }
    const problem = (await problemOf(one, subject)) ?? (await outdatedDifference(one, subject))
    results.push(`${subject.kind} ${problem === undefined ? 'ok' : 'FAILS'}`)
    if (problem === undefined) passed[subject.kind] = (passed[subject.kind] ?? 0) + 1
    else problems.push(`${subject.kind}: ${problem}`)
  }
  failures += problems.length
  print(`  ${results.join('  ').padEnd(subjects.length * 15)} ${one.name}`)
  if (one.differs && subjects.length > 1) print(`      differs: ${one.differs.why}`)
  for (const problem of problems) print(`      ${problem}`)
}

async function outdatedDifference(one: Case, subject: Subject): Promise<string | undefined> {
  if (!values['check-differences'] || subject.kind === 'engine' || !one.differs) return undefined
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
