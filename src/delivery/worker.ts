import assert from 'node:assert/strict'
import { claimDue, type ClaimedDelivery, release } from '../db/lanes.ts'
import type { Database } from '../db/queryable.ts'
import type { AddressPolicy } from './address-policy.ts'
import { createDatabaseHealth, type DatabaseHealth } from './database-health.ts'
import { createDispatcher, type GuardedDispatcher } from './dispatcher.ts'
import { createHostLimits, type HostLimits } from './hosts.ts'
import type { Resolve } from './resolve.ts'
import { createResults, type Results } from './results.ts'
import { createSecrets, type FindSecrets } from './secrets.ts'
import { type AttemptedDelivery, send, type Sent } from './send.ts'
import { type UrlHealthWatch, watchUrlHealth } from './url-health.ts'
import { userAgentOf } from './user-agent.ts'

/** What the worker needs; times are in milliseconds. */
export interface DeliveryWorkerOptions {
  readonly database: Database
  /** The key of a leg, put into the URL as it is sent and nowhere else. */
  readonly keys: (callUuid: string, leg: number) => string
  readonly policy: AddressPolicy
  readonly log: (event: string, fields: object) => void
  /** Told of each attempt, with what is logged about it. */
  readonly onMetrics?: (attempted: AttemptedDelivery) => void
  /** For `webhook-timestamp` and dates in `Retry-After`; deadlines go by the database's clock. */
  readonly now?: () => Date
  readonly random?: () => number
  /** For pauses of hosts that do not answer, and for leases. */
  readonly monotonicMs?: () => number
  /** Requests on their way at once: 256 unless said. */
  readonly concurrency?: number
  /** Of those, to one host: 4 unless said. In each process: N processes may send a host N times that. */
  readonly perHostMax?: number
  /** How often it looks for what came due by itself or was queued elsewhere: 250 unless said. */
  readonly pollMs?: number
  /** One attempt, redirects included: 10 s unless said. @see behaviour B14 */
  readonly deadlineMs?: number
  /** How long a dead worker holds up its lanes: 15 s unless said; longer than the deadline. */
  readonly leaseMs?: number
  /** How long `close` waits for requests on their way: the deadline unless said. */
  readonly drainTimeoutMs?: number
  /** Where a receiver finds out who we are; becomes part of `user-agent`. */
  readonly contactUrl?: string | undefined
  readonly resolve?: Resolve
  /** Certificate authorities (PEM) to trust instead of those of Node. */
  readonly ca?: string
  /** An HTTP proxy that every request goes through. */
  readonly proxyUrl?: string | undefined
}

/** A running delivery worker. */
export interface DeliveryWorker {
  /** Says that something has been queued: call it after the commit, as often as you like. */
  wake(): void
  /** Resolves when nothing is due, nothing on its way and everything stored. */
  idle(): Promise<void>
  /**
   * Stops claiming, waits for requests on their way, and gives back the lanes of those that take
   * too long: they are sent again, by whoever claims them, under the same id. Safe to call twice.
   */
  close(): Promise<void>
}

/** Between the deadline of a request and the end of its lease, for claiming, storing and pauses. */
const LEASE_MARGIN = 1.2

/**
 * Sends what is in the outbox: claims due lanes when woken and by poll, makes the requests side by
 * side, and stores what they came to. A lane is sent one delivery at a time, in order. Leases need no
 * renewal: no request outlives its deadline, and none is begun that might outlive its lease. Should the
 * whole process stand still meanwhile, the token refuses what it stores late.
 * @see behaviour B14
 */
export function startDeliveryWorker(options: DeliveryWorkerOptions): DeliveryWorker {
  const worker = createWorker(options)
  const poll = setInterval(() => wake(worker), options.pollMs ?? 250)
  let closed: Promise<void> | undefined
  wake(worker)
  return {
    wake: () => wake(worker),
    idle: () => idle(worker),
    close() {
      clearInterval(poll)
      return (closed ??= close(worker))
    },
  }
}

interface Worker {
  readonly options: DeliveryWorkerOptions
  readonly concurrency: number
  readonly perHostMax: number
  readonly deadlineMs: number
  readonly leaseMs: number
  readonly userAgent: string
  readonly dispatcher: GuardedDispatcher
  readonly hosts: HostLimits
  readonly health: DatabaseHealth
  readonly results: Results
  readonly secretsOf: FindSecrets
  readonly urls: UrlHealthWatch
  readonly random: () => number
  readonly monotonicMs: () => number
  /** Aborted when `close` has waited long enough. */
  readonly abandon: AbortController
  readonly running: Map<string, Running>
  /** Resolved when there is nothing to do. */
  readonly idlers: (() => void)[]
  claimLoop: Promise<void>
  isClosing: boolean
  isClaiming: boolean
  /** Something may be due that the present claim has not seen. */
  isWanted: boolean
  /** The last claim may have left something due behind, for want of room. */
  leftSome: boolean
  /** On the monotonic clock, while the database is away. */
  claimNotBeforeMs: number
  afterHost: string
}

interface Running {
  readonly delivery: ClaimedDelivery
  readonly ended: Promise<void>
}

function createWorker(options: DeliveryWorkerOptions): Worker {
  const { database, policy, log, resolve, ca, contactUrl, proxyUrl } = options
  const { concurrency = 256, perHostMax = 4, deadlineMs = 10_000, leaseMs = 15_000 } = options
  const random = options.random ?? Math.random
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  assert(leaseMs >= deadlineMs * LEASE_MARGIN, 'a lease must outlive the request it is for')
  const health = createDatabaseHealth(log, random)
  const abandon = new AbortController()
  return {
    options,
    concurrency,
    perHostMax,
    deadlineMs,
    leaseMs,
    random,
    monotonicMs,
    userAgent: userAgentOf(contactUrl),
    dispatcher: createDispatcher({
      policy,
      connectionsPerOrigin: perHostMax,
      connectTimeoutMs: deadlineMs,
      proxyUrl,
      ...(resolve && { resolve }),
      ...(ca !== undefined && { ca }),
    }),
    hosts: createHostLimits(perHostMax, monotonicMs),
    health,
    results: createResults(database, health, abandon.signal),
    secretsOf: createSecrets(database, monotonicMs),
    urls: watchUrlHealth(database, log, monotonicMs),
    abandon,
    running: new Map(),
    idlers: [],
    claimLoop: Promise.resolve(),
    isClosing: false,
    isClaiming: false,
    isWanted: false,
    leftSome: false,
    claimNotBeforeMs: 0,
    afterHost: '',
  }
}

function wake(worker: Worker): void {
  worker.isWanted = true
  if (!worker.isClaiming && !worker.isClosing) worker.claimLoop = claimWhileWanted(worker)
}

async function claimWhileWanted(worker: Worker): Promise<void> {
  worker.isClaiming = true
  while (worker.isWanted && !worker.isClosing) {
    worker.isWanted = false
    await claimOnce(worker)
  }
  worker.isClaiming = false
  settleIdlers(worker)
}

async function claimOnce(worker: Worker): Promise<void> {
  const { options, perHostMax, leaseMs, afterHost, hosts, health } = worker
  const limit = worker.concurrency - worker.running.size
  // Until the claim is back: a host that is full now may have room before then, and must be heard.
  worker.leftSome = true
  // A lane whose result waits to be stored would be claimed, and sent, a second time.
  if (limit <= 0 || worker.results.areHeldUp()) return
  if (performance.now() < worker.claimNotBeforeMs) return
  const beginBeforeMs = worker.monotonicMs() + leaseMs - worker.deadlineMs
  try {
    const request = { limit, perHostMax, slots: hosts.slots(), afterHost, leaseMs }
    const found = await claimDue(options.database, request)
    health.succeeded()
    for (const delivery of found) start(worker, delivery, beginBeforeMs)
    worker.leftSome = found.length >= limit || hosts.anyFull()
    worker.afterHost = nextStart(found, afterHost)
  } catch (error) {
    health.failed(error)
    worker.claimNotBeforeMs = performance.now() + health.pauseMs()
  }
}

/** The next claim starts behind the last host of this one, so that the first of them get no more. */
function nextStart(found: readonly ClaimedDelivery[], afterHost: string): string {
  const names = found.map(({ host }) => host).toSorted()
  return names.findLast((host) => host > afterHost) ?? names.at(-1) ?? ''
}

function start(worker: Worker, delivery: ClaimedDelivery, beginBeforeMs: number): void {
  worker.hosts.started(delivery.host)
  const ended = run(worker, delivery, beginBeforeMs).finally(() => {
    worker.running.delete(delivery.token)
    if (worker.leftSome) wake(worker)
    settleIdlers(worker)
  })
  worker.running.set(delivery.token, { delivery, ended })
}

/** One delivery from its claim until its result is stored. Never rejects. */
async function run(
  worker: Worker,
  delivery: ClaimedDelivery,
  beginBeforeMs: number,
): Promise<void> {
  try {
    const sent = await sendFrom(worker, delivery, beginBeforeMs)
    if (sent === 'too_late') return
    // Broken off by `close`: what the receiver has seen of it nobody knows, so it is sent again.
    if (worker.abandon.signal.aborted) return
    if (worker.leftSome) wake(worker)
    const stored = await worker.results.store(sent.finished)
    report(worker, { ...sent.attempted, stored: stored.kind })
    if (stored.kind === 'unstored') reportProblem(worker, delivery, stored.error)
    const isAnotherWaiting = stored.kind === 'stored' && stored.pending > 0
    if (isAnotherWaiting && sent.finished.next.kind === 'done') wake(worker)
    await worker.urls.noted(delivery, sent.attempted)
  } catch (error) {
    // A bug: the lease runs out, and the delivery is tried again.
    reportProblem(worker, delivery, error)
  }
}

/**
 * `too_late`: the process has stood still since the claim, or the database has, so that somebody else
 * might have the lane before the request has ended. Nothing is sent, and the lane is given back.
 */
async function sendFrom(
  worker: Worker,
  delivery: ClaimedDelivery,
  beginBeforeMs: number,
): Promise<Sent | 'too_late'> {
  const { options, dispatcher, userAgent, deadlineMs } = worker
  let answered: boolean | undefined
  try {
    const secrets = await worker.secretsOf(delivery)
    if (worker.monotonicMs() > beginBeforeMs) {
      reportProblem(worker, delivery, new Error('it was too late to begin'))
      await release(options.database, [delivery])
      return 'too_late'
    }
    const sentAt = options.now?.() ?? new Date()
    const random = worker.random()
    const { keys } = options
    const context = { dispatcher, userAgent, deadlineMs, keys, secrets, sentAt, random }
    const sent = await send(delivery, context)
    answered = sent.answered
    return sent
  } finally {
    noteHost(worker, delivery.host, answered)
  }
}

/** `answered` is undefined where nothing was sent. */
function noteHost({ hosts, options }: Worker, host: string, answered: boolean | undefined): void {
  const change = hosts.ended(host, answered)
  if (change.kind === 'opened') {
    options.log('delivery.host_paused', { host, pause_ms: change.pauseMs })
  }
  if (change.kind === 'closed') options.log('delivery.host_back', { host })
}

function report({ options }: Worker, attempted: AttemptedDelivery): void {
  options.log('delivery.attempted', attempted)
  options.onMetrics?.(attempted)
}

function reportProblem({ options }: Worker, delivery: ClaimedDelivery, error: unknown): void {
  const { callUuid: call_uuid, trackingUrlId: tracking_url_id } = delivery
  const message = error instanceof Error ? error.message : String(error)
  options.log('delivery.problem', { call_uuid, tracking_url_id, error: message })
}

function idle(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.idlers.push(resolve)
    wake(worker)
    settleIdlers(worker)
  })
}

function settleIdlers(worker: Worker): void {
  if (worker.isClaiming || worker.running.size > 0) return
  const mayBeDue = worker.isWanted || worker.leftSome || worker.health.isAway()
  if (mayBeDue && !worker.isClosing) return
  for (const resolve of worker.idlers.splice(0)) resolve()
}

async function close(worker: Worker): Promise<void> {
  worker.isClosing = true
  await worker.claimLoop
  const timeoutMs = worker.options.drainTimeoutMs ?? worker.deadlineMs
  const timer = setTimeout(() => abandon(worker), timeoutMs)
  const left = [...worker.running.values()]
  await Promise.all(left.map(({ ended }) => ended))
  clearTimeout(timer)
  if (worker.abandon.signal.aborted) await giveBack(worker, left)
  await worker.dispatcher.destroy()
  settleIdlers(worker)
}

function abandon({ abandon, dispatcher }: Worker): void {
  abandon.abort()
  void dispatcher.destroy()
}

/** What has been stored meanwhile is no longer under its token, so it stays as it is. */
async function giveBack({ options, health }: Worker, left: readonly Running[]): Promise<void> {
  try {
    await release(
      options.database,
      left.map(({ delivery }) => delivery),
    )
  } catch (error) {
    // Their leases run out by themselves.
    health.failed(error)
  }
}
