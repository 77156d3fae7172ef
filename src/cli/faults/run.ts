import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseConfigurationDocument } from '../../domain/configuration-document.ts'
import { applyConfiguration } from '../../flow/apply-configuration.ts'
import { chanceOf } from './chance.ts'
import { runClients } from './client.ts'
import type { Cluster, RunDatabase } from './cluster.ts'
import { judge } from './judge.ts'
import { judgeLedger } from './judge-ledger.ts'
import { none, type Verdict } from './verdict.ts'
import { POSTBACK_TIMEOUT_SECONDS } from './plan.ts'
import { openRecord, type OutsideRecord } from './record.ts'
import { type Receivers, startReceivers } from './receivers.ts'
import { isQuiet, readStored } from './stored.ts'
import { startVictim, type Victim } from './victim.ts'

/** One run of the harness. */
export interface RunOptions {
  readonly name: string
  readonly seed: number
  readonly calls: number
  /** No call begins after it. */
  readonly minutes: number
  /** Calls being made at once. */
  readonly concurrency: number
  readonly crashEveryMs: number
  /** How often a receiver may fail one delivery: the second time costs half a minute. */
  readonly failuresMax: number
  readonly seededBug?: string
  /** How long the service may take to come to rest once it is left in peace. */
  readonly restMs: number
  /** Tells the person who waits how far it is, every few seconds. */
  readonly progress?: (text: string) => void
}

/** How it went. */
export interface RunResult {
  readonly verdicts: readonly Verdict[]
  readonly calls: number
  readonly requests: number
  readonly kills: number
  readonly crashes: number
  readonly seconds: number
}

const KEY_SECRET = 'a secret that only this run knows'
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 42).toString('base64')}`
const CAMPAIGNS = ['one', 'two'] as const
const TRIGGERS = ['bridged', 'finished', 'converted', 'not_converted', 'adjusted'] as const

/**
 * Lets the service work while it is killed and its database crashes, leaves it in peace, and compares
 * what was seen from outside with what it has stored.
 */
export async function runFaults(cluster: Cluster, options: RunOptions): Promise<RunResult> {
  const startedAtMs = performance.now()
  const record = openRecord()
  const { seed, failuresMax, name } = options
  const stored = await cluster.create(name)
  const count = CAMPAIGNS.length * TRIGGERS.length
  const receivers = await startReceivers(record, {
    seed,
    count,
    failuresMax,
    secret: WEBHOOK_SECRET,
  })
  try {
    await configure(stored, receivers)
    const { kills, crashes, deaths } = await torment(cluster, stored, record, options)
    return {
      verdicts: [
        ...judge(record, await readStored(stored.database)),
        ...(await judgeLedger(stored.database)),
        none('service_deaths', deaths),
      ],
      calls: record.calls.size,
      requests: record.requests.length,
      kills,
      crashes,
      seconds: (performance.now() - startedAtMs) / 1_000,
    }
  } finally {
    await receivers.close()
  }
}

async function torment(
  cluster: Cluster,
  stored: RunDatabase,
  record: OutsideRecord,
  options: RunOptions,
): Promise<Pick<RunResult, 'kills' | 'crashes'> & Pick<Victim, 'deaths'>> {
  let lives = 0
  const victim = await startVictim({
    settings: { connection: stored.connection, keySecret: KEY_SECRET },
    seededBug: options.seededBug,
    compileCache: join(cluster.folder, 'compiled'),
    random: () => chanceOf(options.seed, `life ${lives++}`),
  })
  const over = new AbortController()
  const crashing = crashAgainAndAgain(cluster, options, over.signal)
  const telling = setInterval(tell(record, victim, options), PROGRESS_MS)
  try {
    await Promise.race([makeCalls(victim, record, options), victim.failure])
    over.abort()
    const crashes = await crashing
    await victim.spare()
    await untilQuiet(stored, options.restMs)
    await victim.close()
    return { kills: victim.killCount(), crashes, deaths: victim.deaths }
  } finally {
    clearInterval(telling)
    over.abort()
    await victim.close()
  }
}

const PROGRESS_MS = 10_000

function tell({ calls, requests }: OutsideRecord, victim: Victim, options: RunOptions): () => void {
  let before = 0
  return () => {
    const rate = ((calls.size - before) * 1_000) / PROGRESS_MS
    before = calls.size
    options.progress?.(
      `${calls.size} of ${options.calls} calls, ${rate.toFixed(0)}/s, ${requests.length} requests, ${victim.killCount()} kills`,
    )
  }
}

/** Gives up on what is never answered: that is a result, too. */
async function makeCalls(
  victim: Victim,
  record: OutsideRecord,
  { seed, calls, concurrency, minutes, restMs }: RunOptions,
): Promise<void> {
  const giveUp = new AbortController()
  const minutesMs = minutes * 60_000
  const timer = setTimeout(() => giveUp.abort(), minutesMs + restMs)
  await runClients(record, {
    seed,
    calls,
    concurrency,
    port: victim.port,
    whenUp: victim.whenUp,
    keySecret: KEY_SECRET,
    campaignIds: CAMPAIGNS,
    untilMs: performance.now() + minutesMs,
    signal: giveUp.signal,
  })
  clearTimeout(timer)
}

/** The first one comes early, so that the shortest run has one. */
async function crashAgainAndAgain(
  cluster: Cluster,
  { seed, crashEveryMs }: RunOptions,
  signal: AbortSignal,
): Promise<number> {
  let crashes = 0
  for (;;) {
    const spread = 0.7 + 0.6 * chanceOf(seed, `crash ${crashes}`)
    const waitMs = crashEveryMs * spread * (crashes === 0 ? 0.4 : 1)
    await delay(waitMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return crashes
    if (cluster.crash()) crashes += 1
  }
}

const QUIET_POLL_MS = 100

/** Until nothing is left to decide or send, or for as long as it may take; judging tells which. */
async function untilQuiet({ database }: RunDatabase, restMs: number): Promise<void> {
  const deadlineMs = performance.now() + restMs
  while (performance.now() < deadlineMs) {
    if (await isQuiet(database).catch(() => false)) return
    await delay(QUIET_POLL_MS)
  }
}

async function configure({ database }: RunDatabase, { origins }: Receivers): Promise<void> {
  const parsed = parseConfigurationDocument({
    publishers: [{ id: 'publisher', name: 'Publisher' }],
    buyers: [{ id: 'buyer', name: 'Buyer', endpoint: 'sip:buyer@127.0.0.1' }],
    campaigns: CAMPAIGNS.map((id, index) => ({
      id,
      name: id,
      routes: [{ buyer: 'buyer' }],
      tracking_urls: TRIGGERS.map((trigger, place) =>
        trackingUrl(trigger, origins[index * TRIGGERS.length + place] ?? ''),
      ),
      conversion_groups: [
        {
          id: 'sales',
          type: 'postback',
          postback_timeout_seconds: POSTBACK_TIMEOUT_SECONDS,
          conversions: [{ name: 'posted', value: 'posted', payout_modifier: '*0.8' }],
        },
      ],
    })),
  })
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems))
  await applyConfiguration(database, parsed, { dryRun: false })
}

function trackingUrl(trigger: (typeof TRIGGERS)[number], origin: string): object {
  const id = trigger.replace('_', '-')
  const isSigned = trigger === 'converted'
  return {
    id,
    trigger,
    method: trigger === 'bridged' ? 'HEAD' : isSigned ? 'POST' : 'GET',
    url: `${origin}/${id}?id=[delivery_id]&call=[call_uuid]&amt=[payout]&key=[call_key]`,
    ...(isSigned && { secrets: [WEBHOOK_SECRET] }),
  }
}
