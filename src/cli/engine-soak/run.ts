import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type EngineUnderLoad, SECRET, startEngineUnderLoad } from '../engine-rig/engine.ts'
import type { EngineSample } from '../engine-rig/engine-process.ts'
import { leftovers } from '../engine-rig/leftovers.ts'
import { type Hostile, startHostile, STRANGERS } from './hostile.ts'
import type { Verdict } from '../faults/verdict.ts'
import { countCut, judgeSoak } from './judge.ts'
import { type MortalApplication, startMortalApplication } from './mortal.ts'
import { type SoakPhone, startSoakBuyer, startSoakCaller } from './phones.ts'

/** One soak. */
export interface SoakOptions {
  readonly seed: number
  readonly seconds: number
  /** Calls a second. */
  readonly rate: number
  /** Of a hundred packets of each phone, how many are lost in each direction. */
  readonly lossPercent: number
  readonly killEveryMs: number
  /** How long calls are made before the heap is measured; 0 does not measure it. */
  readonly warmUpSeconds: number
  /** SIP's T1 of the engine, on which everything depends that is waited for. */
  readonly t1Ms: number
  /** Tells the person who waits how far it is. */
  readonly progress: (text: string) => void
}

/** How it went. */
export interface SoakResult {
  readonly verdicts: readonly Verdict[]
  readonly summary: string
}

/** A ban that ends within the soak. */
const BAN_MS = 5_000
const PROGRESS_MS = 5_000
const POLL_MS = 100

/**
 * Lets SIPp call SIPp through a bare B2BUA on the engine while packets are lost, strangers send what they
 * please and the B2BUA is killed; leaves the engine in peace, and compares what the phones saw with what it
 * promises.
 */
export async function runEngineSoak(options: SoakOptions): Promise<SoakResult> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeback-soak-'))
  const forget = () => rm(folder, { recursive: true, force: true })
  const closers: (() => Promise<unknown>)[] = []
  const opened = async <T extends { close: () => Promise<unknown> }>(promise: Promise<T>) => {
    const thing = await promise
    closers.push(thing.close)
    return thing
  }
  try {
    const { lossPercent, rate, seconds, t1Ms } = options
    const engine = await opened(startEngineUnderLoad(engineOptions(t1Ms)))
    const buyer = await opened(startSoakBuyer({ folder: join(folder, 'buyer'), lossPercent }))
    const buyerUri = `sip:buyer@127.0.0.1:${buyer.port}`
    const application = await opened(
      startMortalApplication({ ...engine.admin, secret: SECRET, buyer: buyerUri }),
    )
    const before = await warmUp(engine, join(folder, 'warm-up'), options)
    const hostile = await opened(startHostile(engine.sip, options.seed))
    const load = { folder: join(folder, 'caller'), lossPercent, rate, calls: rate * seconds }
    const caller = await opened(startSoakCaller(engine.sip, load))
    const stage = { engine, application, buyer, caller, hostile }
    await torment(stage, options)
    const result = await judge(stage, before, options)
    if (result.verdicts.every(({ ok }) => ok)) closers.unshift(forget)
    else options.progress(`what the phones wrote is kept in ${folder}`)
    return result
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

/** Who is there when all calls are over: the last application, and who is counted for what was sent. */
const AT_REST = { applications: 1, sources: STRANGERS.length }

interface Stage {
  readonly engine: EngineUnderLoad
  readonly application: MortalApplication
  readonly buyer: SoakPhone
  readonly caller: SoakPhone
  readonly hostile: Hostile
}

/** Strangers are on loopback too, and are to be treated as if they were not. */
function engineOptions(t1Ms: number): Parameters<typeof startEngineUnderLoad>[0] {
  return {
    timers: { t1Ms, t2Ms: 8 * t1Ms, t4Ms: 10 * t1Ms },
    guard: { exemptLoopback: false, exempt: ['127.0.0.1'], banMs: BAN_MS },
  }
}

/** The engine as it is when calls of every kind have been made and forgotten. */
async function warmUp(
  engine: EngineUnderLoad,
  folder: string,
  { lossPercent, progress, rate, seed, t1Ms, warmUpSeconds }: SoakOptions,
): Promise<EngineSample | undefined> {
  if (warmUpSeconds === 0) return undefined
  progress(`warming up for ${warmUpSeconds} s, then resting until every table is empty`)
  const hostile = await startHostile(engine.sip, seed - 1)
  const calls = rate * warmUpSeconds
  const caller = await startSoakCaller(engine.sip, { folder, lossPercent, rate, calls })
  await untilDone(caller, warmUpSeconds, t1Ms)
  await Promise.all([caller.close(), hostile.close()])
  return untilEmpty(engine, t1Ms)
}

/** Until the caller has made its calls, or should have. */
async function untilDone({ over }: SoakPhone, seconds: number, t1Ms: number): Promise<void> {
  const lateMs = seconds * 1_000 + patienceMs(t1Ms)
  await Promise.race([over, delay(lateMs, undefined, { ref: false })])
}

async function torment(
  { engine, application, caller, hostile }: Stage,
  { killEveryMs, progress, seconds, t1Ms }: SoakOptions,
): Promise<void> {
  const startedAtMs = performance.now()
  const report = setInterval(() => {
    const atSeconds = Math.round((performance.now() - startedAtMs) / 1_000)
    const kills = application.outages.length
    engine.sample(false).then(
      (sample) => progress(`${atSeconds} s: ${kills} kills, ${describe(sample)}`),
      () => {}, // the verdicts will say that it is dead
    )
  }, PROGRESS_MS)
  application.torment(killEveryMs)
  await untilDone(caller, seconds, t1Ms)
  clearInterval(report)
  await application.spare()
  await hostile.close()
}

async function judge(
  { engine, application, buyer, caller, hostile }: Stage,
  before: EngineSample | undefined,
  { progress, rate, seconds, t1Ms }: SoakOptions,
): Promise<SoakResult> {
  progress('resting until every table is empty')
  const after = await untilEmpty(engine, t1Ms)
  const record = {
    planned: rate * seconds,
    callerCalls: await caller.calls(),
    buyerCalls: await buyer.calls(),
    outages: application.outages,
    engineDeath: engine.isDead() ? await engine.exited : undefined,
    faults: after?.counters['faults'] ?? 0,
    firstFault: after?.firstFault,
    leftovers: after ? leftovers(after, AT_REST) : ['nobody knows'],
    applicationDeaths: application.deaths,
    sourcesBanned: after?.counters['sourcesBanned'] ?? 0,
    heap: before && after && { beforeBytes: before.heapBytes, afterBytes: after.heapBytes },
  }
  const summary =
    `${record.callerCalls.length} calls, ${countCut(record)} of them cut by ` +
    `${record.outages.length} kills, ${hostile.sent()} hostile packets`
  return { verdicts: judgeSoak(record), summary }
}

/** A call of a stranger: answered, never acknowledged, then hung up in vain; and as much again. */
const patienceMs = (t1Ms: number): number => 3 * 64 * t1Ms + 5_000

/**
 * Waits until nothing of any call is left, or should be; gives what the engine holds then. Undefined if
 * it has died.
 */
async function untilEmpty(
  engine: EngineUnderLoad,
  t1Ms: number,
): Promise<EngineSample | undefined> {
  const deadlineMs = performance.now() + patienceMs(t1Ms)
  try {
    while (performance.now() < deadlineMs) {
      if (leftovers(await engine.sample(false), AT_REST).length === 0) break
      await delay(POLL_MS)
    }
    return await engine.sample(true)
  } catch (error) {
    if (!engine.isDead()) throw error
    return undefined
  }
}

function describe({ counters, rssBytes, tables }: EngineSample): string {
  const { callsIn = 0, messagesDropped = 0, requestsRefused = 0, sourcesBanned = 0 } = counters
  const megabytes = Math.round(rssBytes / 2 ** 20)
  return (
    `${callsIn} calls, ${tables['dialogs'] ?? 0} dialogs, ${requestsRefused} requests refused, ` +
    `${messagesDropped} messages dropped, ${sourcesBanned} bans, ${megabytes} MB`
  )
}
