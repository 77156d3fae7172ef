import { BlockList, isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Backlog, readBacklog } from '../db/backlog.ts'
import { listProblems, type NotedProblem } from '../db/delivery-problems.ts'
import type { Database, Queryable } from '../db/queryable.ts'
import {
  formatMetrics,
  type Labels,
  type Metric,
  METRICS_CONTENT_TYPE,
} from '../telemetry/metrics.ts'
import type { RequireKey } from './auth.ts'
import { described } from './openapi/route-description.ts'

/** What metrics are made of. */
export interface MetricsDeps {
  readonly database: Database
  readonly requireKey: RequireKey
  /** What this process has counted and holds. */
  readonly readMetrics?: () => Promise<readonly Metric[]>
}

/** How long what the database says is repeated, however many monitors ask. */
const FRESH_MS = 5_000
/** More would be a record, not a metric; the API has them all. */
const PROBLEMS_MAX = 200

const DESCRIPTION = described({
  group: 'Monitoring',
  summary: 'Gives the metrics, in the text format of Prometheus',
  details: 'Takes no key from this machine and from private networks.',
  keys: ['apiKey'],
  answers: {
    200: {
      description: 'The metrics of this process, and of the database for all.',
      content: { [METRICS_CONTENT_TYPE]: z.string() },
    },
  },
  problems: ['unauthorised', 'too_many_wrong_keys'],
})

/**
 * `/metrics` as Prometheus reads it: what this process has counted, and what the database says of all
 * processes together. Open to this machine and private networks, since monitors stand there; from
 * elsewhere, or through a proxy that is not trusted, it takes a key.
 */
export function registerMetrics(app: FastifyInstance, deps: MetricsDeps): void {
  const askForKey = deps.requireKey(() => 'viewer')
  const readStored = cached(() => readStoredMetrics(deps.database))
  app.get(
    '/metrics',
    {
      ...DESCRIPTION,
      onRequest: async (request, reply) =>
        isNearby(request) ? undefined : askForKey(request, reply),
    },
    async (_request, reply) => {
      const metrics = [...((await deps.readMetrics?.()) ?? []), ...(await readStored())]
      return reply.type(METRICS_CONTENT_TYPE).send(formatMetrics(metrics))
    },
  )
}

const NEARBY = new BlockList()
for (const [address, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  NEARBY.addSubnet(address, prefix, 'ipv4')
NEARBY.addAddress('::1', 'ipv6')
NEARBY.addSubnet('fc00::', 7, 'ipv6')

/** A proxy that is not trusted brings strangers under its own address, and says so by these headers. */
function isNearby({ ip, socket, headers }: FastifyRequest): boolean {
  const isForwarded = 'x-forwarded-for' in headers || 'forwarded' in headers || 'via' in headers
  if (isForwarded && ip === socket.remoteAddress) return false
  return NEARBY.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')
}

/** Asks again once the last answer is old; whoever comes meanwhile gets the same one. */
function cached<T>(read: () => Promise<T>): () => Promise<T> {
  let latest: { readonly answer: Promise<T>; readonly atMs: number } | undefined
  return () => {
    const nowMs = performance.now()
    if (!latest || nowMs - latest.atMs > FRESH_MS) latest = { answer: read(), atMs: nowMs }
    return latest.answer
  }
}

/** What cannot be read is left out; whether the database answers at all is a metric of its own. */
async function readStoredMetrics(db: Queryable): Promise<readonly Metric[]> {
  const [backlog, problems] = await Promise.allSettled([readBacklog(db), listProblems(db)])
  const answers = backlog.status === 'fulfilled' || problems.status === 'fulfilled'
  return [
    isUp(answers ? 1 : 0),
    ...(backlog.status === 'fulfilled' ? backlogMetrics(backlog.value) : []),
    ...(problems.status === 'fulfilled' ? [problemMetric(problems.value)] : []),
  ]
}

const isUp = (value: number): Metric =>
  gauge('bridgeback_database_up', 'Whether the database answers', [[{}, value]])

function backlogMetrics(backlog: Backlog): readonly Metric[] {
  const single = (name: string, help: string, value: number) => gauge(name, help, [[{}, value]])
  return [
    gauge('bridgeback_calls', 'Calls that are up, of all processes', [
      [{ state: 'ringing' }, backlog.callsRinging],
      [{ state: 'bridged' }, backlog.callsBridged],
    ]),
    single(
      'bridgeback_decisions_pending',
      'Calls whose decision waits for a postback',
      backlog.decisionsPending,
    ),
    single(
      'bridgeback_decisions_late_seconds',
      'How late the decision is that is latest',
      backlog.decisionsLateSeconds,
    ),
    single(
      'bridgeback_deliveries_queued',
      'Deliveries that are not done, those that wait for a retry included',
      backlog.deliveriesQueued,
    ),
    single(
      'bridgeback_delivery_lanes_due',
      'Calls and tracking URLs with something to send now',
      backlog.lanesDue,
    ),
    single(
      'bridgeback_delivery_oldest_due_seconds',
      'How long what has been due for longest waits to be sent',
      backlog.oldestDueSeconds,
    ),
  ]
}

function problemMetric(problems: readonly NotedProblem[]): Metric {
  const samples = problems
    .slice(0, PROBLEMS_MAX)
    .map(({ campaignId, trackingUrlId, problem, failures }): [Labels, number] => [
      { campaign: campaignId, tracking_url: trackingUrlId, problem },
      failures,
    ])
  const help = 'Tracking URLs that are gone or keep failing, with the failures in a row'
  return gauge('bridgeback_tracking_url_failures', help, samples)
}

function gauge(
  name: string,
  help: string,
  samples: readonly (readonly [labels: Labels, value: number])[],
): Metric {
  return {
    name,
    help,
    type: 'gauge',
    samples: samples.map(([labels, value]) => ({ labels, value })),
  }
}
