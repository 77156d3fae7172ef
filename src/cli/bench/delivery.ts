import { setTimeout as delay } from 'node:timers/promises'
import { claimDue } from '../../db/lanes.ts'
import type { Database } from '../../db/queryable.ts'
import { buildAddressPolicy } from '../../delivery/address-policy.ts'
import { type DeliveryWorkerOptions, startDeliveryWorker } from '../../delivery/worker.ts'
import { type DeliveryGround, openGround } from './delivery-ground.ts'
import { type FastHosts, startFastHosts, startWatchedHost } from './delivery-hosts.ts'
import { CLAIM_BY_WINDOW, fillPlainQueue, PEER, startPlainQueue } from './delivery-peer.ts'
import { type Figure, quantile } from './figure.ts'
import type { Bench, BenchOptions } from './registry.ts'

/** How fast tracking URLs leave, and what holds them up. */
export const deliveryBench: Bench = {
  name: 'delivery',
  about:
    'tracking URLs: sent a second, ping latency, a host that hangs, many hosts, a long backlog',
  run: runDelivery,
}

const HOSTS = 16
const CONCURRENCY = 256

async function runDelivery(options: BenchOptions): Promise<readonly Figure[]> {
  const ground = await openGround()
  const hosts = await startFastHosts(HOSTS)
  try {
    const figures: Figure[] = []
    for (const [name, measure] of MEASUREMENTS) {
      options.progress(`delivery: ${name}`)
      figures.push(await measure({ ground, hosts, seconds: options.seconds }))
      await ground.clear()
    }
    return figures
  } finally {
    await hosts.close()
    await ground.close()
  }
}

interface Setting {
  readonly ground: DeliveryGround
  readonly hosts: FastHosts
  readonly seconds: number
}

const MEASUREMENTS: readonly (readonly [string, (setting: Setting) => Promise<Figure>])[] = [
  ['throughput', measureThroughput],
  ['ping_p99', measurePing],
  ['head_of_line', measureHeadOfLine],
  ['hosts_claim', measureHostsClaim],
  ['backlog_claim', measureBacklogClaim],
]

/** Either of the two that are compared: something that is queued, and sent. */
interface Sender {
  readonly enqueue: (urls: readonly string[]) => Promise<void>
  readonly wake: () => void
  readonly close: () => Promise<void>
}

function ourSender(
  { database, enqueue }: DeliveryGround,
  options: Partial<DeliveryWorkerOptions>,
): Sender {
  const worker = startDeliveryWorker({
    database,
    keys: () => '',
    policy: buildAddressPolicy(['127.0.0.0/8']),
    log: () => {},
    ...options,
  })
  return { enqueue, wake: () => worker.wake(), close: () => worker.close() }
}

const figureOf = (
  figure: string,
  unit: string,
  [value, peer]: readonly [number, number],
  { name = PEER, better = 'lower' }: { name?: string; better?: Figure['better'] } = {},
): Figure => ({ bench: 'delivery', figure, value, unit, peer: { name, value: peer }, better })

const BACKLOG_A_SECOND = 6_000
/** Until connections are open, code is compiled and statements are planned; not counted. */
const WARM_UP_BACKLOG = 2_000

/** A backlog for fast hosts, from the first claim until all of it has arrived. */
async function measureThroughput({ ground, hosts, seconds }: Setting): Promise<Figure> {
  const urls = Array.from(
    { length: seconds * BACKLOG_A_SECOND },
    (_, index) => `${hosts.origins[index % HOSTS]}/${index}`,
  )
  await ground.prepareCalls(WARM_UP_BACKLOG + urls.length)
  const ours = await drainWarm(hosts, urls, {
    queue: ground.enqueue,
    start: () => ourSender(ground, { concurrency: CONCURRENCY, perHostMax: 32 }),
  })
  const peer = await drainWarm(hosts, urls, {
    queue: (some) => fillPlainQueue(ground.database, some),
    start: () => startPlainQueue(ground.database, CONCURRENCY),
  })
  return figureOf('throughput', 'deliveries/s', [ours, peer], { better: 'higher' })
}

/** What is measured, queued before it starts. */
interface Drain {
  readonly queue: (urls: readonly string[]) => Promise<void>
  readonly start: () => Sender | Promise<Sender>
}

/** Deliveries a second, once a first few have been sent. */
async function drainWarm(
  hosts: FastHosts,
  urls: readonly string[],
  { queue, start }: Drain,
): Promise<number> {
  const some = urls.slice(0, WARM_UP_BACKLOG)
  await queue(some)
  await drain(hosts, some.length, start)
  await queue(urls)
  return drain(hosts, urls.length, start)
}

async function drain(
  hosts: FastHosts,
  count: number,
  start: () => Sender | Promise<Sender>,
): Promise<number> {
  const before = await hosts.count()
  const startMs = performance.now()
  const sender = await start()
  sender.wake()
  while ((await hosts.count()) - before < count) await delay(5)
  const rate = (count * 1_000) / (performance.now() - startMs)
  await sender.close()
  return rate
}

const PINGS_A_SECOND = 100
/** Until connections are open and code is compiled; not counted. */
const WARM_UP_PINGS = 100

/** From the commit that queues a ping to its arrival, a hundred a second. */
async function measurePing({ ground, seconds }: Setting): Promise<Figure> {
  await ground.prepareCalls(WARM_UP_PINGS + seconds * PINGS_A_SECOND)
  const ours = await pingP99(ourSender(ground, {}), seconds)
  const peer = await pingP99(await startPlainQueue(ground.database, CONCURRENCY), seconds)
  return figureOf('ping_p99', 'ms', [ours, peer])
}

async function pingP99(sender: Sender, seconds: number): Promise<number> {
  const arrivedAtMs = new Map<string, number>()
  const host = await startWatchedHost((path) => arrivedAtMs.set(path, performance.now()))
  const count = WARM_UP_PINGS + seconds * PINGS_A_SECOND
  const committed = await queueSteadily(sender, host.origin, count)
  while (arrivedAtMs.size < count) await delay(5)
  await sender.close()
  await host.close()
  const latenciesMs = committed.map((atMs, index) => (arrivedAtMs.get(`/${index}`) ?? atMs) - atMs)
  return quantile(latenciesMs.slice(WARM_UP_PINGS), 0.99)
}

/** When each was committed, on the monotonic clock. */
async function queueSteadily(
  sender: Sender,
  origin: string,
  count: number,
): Promise<readonly number[]> {
  const startMs = performance.now()
  const queued: Promise<number>[] = []
  for (let index = 0; index < count; index++) {
    const dueMs = startMs + (index * 1_000) / PINGS_A_SECOND
    await delay(Math.max(0, dueMs - performance.now()))
    queued.push(
      sender.enqueue([`${origin}/${index}`]).then(() => {
        const committedAtMs = performance.now()
        sender.wake()
        return committedAtMs
      }),
    )
  }
  return Promise.all(queued)
}

const SLOTS = 32
const HANG_MS = 2_000
const FAST_MS = 5

/** 200 for a host that hangs, queued before 400 for four fast ones: until all fast ones are there. */
async function measureHeadOfLine({ ground }: Setting): Promise<Figure> {
  await ground.prepareCalls(600)
  const ours = await fastOnesDone(() =>
    ourSender(ground, { concurrency: SLOTS, perHostMax: 4, drainTimeoutMs: 0 }),
  )
  const peer = await fastOnesDone(() => startPlainQueue(ground.database, SLOTS))
  return figureOf('head_of_line', 'ms', [ours, peer])
}

async function fastOnesDone(start: () => Sender | Promise<Sender>): Promise<number> {
  const arrived = { count: 0 }
  const slow = await startWatchedHost(() => {}, HANG_MS)
  const fast = await Promise.all(
    Array.from({ length: 4 }, () => startWatchedHost(() => (arrived.count += 1), FAST_MS)),
  )
  const sender = await start()
  await sender.enqueue([
    ...Array.from({ length: 200 }, (_, index) => `${slow.origin}/${index}`),
    ...Array.from({ length: 400 }, (_, index) => `${fast[index % 4]?.origin}/${index}`),
  ])
  const startMs = performance.now()
  sender.wake()
  while (arrived.count < 400) await delay(1)
  const tookMs = performance.now() - startMs
  await Promise.all([slow, ...fast].map((host) => host.close()))
  await sender.close()
  return tookMs
}

const ROUNDS = 20
const WINDOW = 'caps by a window function'

/** A round of claiming where 10,000 hosts have one delivery each. */
async function measureHostsClaim({ ground }: Setting): Promise<Figure> {
  const { database } = ground
  await ground.prepareCalls(10_000)
  await ground.enqueue(
    Array.from({ length: 10_000 }, (_, index) => `http://host-${index}.example/`),
  )
  const ours = await medianMs(ROUNDS, (round) => claim(database, `host-${round}`))
  await database.query(`update lanes set run_at = app_now(), token = null`)
  const peer = await medianMs(ROUNDS, () => claimByWindow(database))
  return figureOf('hosts_claim', 'ms', [ours, peer], { name: WINDOW })
}

const BACKLOG = 1_000_000

/** How many times slower a claim is with a million lanes that are due than with two thousand. */
async function measureBacklogClaim({ ground }: Setting): Promise<Figure> {
  const { database } = ground
  await ground.prepareCalls(2_000)
  await ground.enqueue(
    Array.from({ length: 2_000 }, (_, index) => `http://host-${index % 20}.example/`),
  )
  const oursSmall = await medianMs(ROUNDS, () => claim(database, ''))
  const peerSmall = await medianMs(ROUNDS, () => claimByWindow(database))
  // Due later than those that can be sent, as a backlog is that builds up behind them.
  await database.query(
    `insert into lanes (call_uuid, tracking_url_id, host, pending, run_at)
     select gen_random_uuid(), 'backlog', 'host-' || n % 20 || '.example', 1,
            app_now() - interval '1 s'
       from generate_series(1, ${BACKLOG}) n`,
  )
  await database.query(
    `update lanes set run_at = app_now() - interval '1 hour', token = null
      where tracking_url_id = 'ping'`,
  )
  const ours = await medianMs(ROUNDS, () => claim(database, ''))
  const peer = await medianMs(3, () => claimByWindow(database))
  return figureOf('backlog_claim', 'times slower', [ours / oursSmall, peer / peerSmall], {
    name: WINDOW,
  })
}

const claim = (database: Database, afterHost: string) =>
  claimDue(database, { limit: 64, perHostMax: 4, slots: new Map(), afterHost, leaseMs: 15_000 })

const claimByWindow = (database: Database) =>
  database.query({ name: 'claim-by-window', text: CLAIM_BY_WINDOW, values: [64, 4] })

/** The first round warms up and does not count. */
async function medianMs(
  rounds: number,
  work: (round: number) => Promise<unknown>,
): Promise<number> {
  await work(0)
  const times: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const startMs = performance.now()
    await work(round)
    times.push(performance.now() - startMs)
  }
  return quantile(times, 0.5)
}
