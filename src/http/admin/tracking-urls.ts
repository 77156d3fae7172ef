import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { insertAct } from '../../db/audit.ts'
import { currentConfiguration } from '../../db/configurations.ts'
import { listProblems, type NotedProblem } from '../../db/delivery-problems.ts'
import type { Database } from '../../db/queryable.ts'
import type { Act } from '../../domain/audit.ts'
import { buildBody } from '../../domain/delivery.ts'
import { previewTemplate } from '../../domain/delivery-preview.ts'
import { SAMPLE_CALL_KEY, sampleValues } from '../../domain/delivery-sample.ts'
import type { RunTrial, Trial, TrialExchange, TrialReport } from '../../domain/delivery-trial.ts'
import { expandUrl, insertCallKey, parseUrlTemplate, TRIGGERS } from '../../domain/tracking-url.ts'
import {
  type ConfiguredUrl,
  configuredUrls,
  SAMPLE_OF_NOBODY,
} from '../../domain/tracking-urls-configured.ts'
import { actorOf } from '../auth.ts'
import { sendProblem } from '../errors.ts'
import { type Answer, described, json } from '../openapi/route-description.ts'
import { instant, textOrNull, trigger, wholeOrNull } from './answer-fields.ts'
import { readQuery } from './query.ts'

/** What the resources of tracking URLs need from around them. */
export interface TrackingUrlsDeps {
  readonly database: Database
  /** Why a tracking URL may not be reached, or undefined. */
  readonly checkUrl?: (url: string) => string | undefined
  /** Makes one request for a made-up call; where it is absent, this process tests nothing. */
  readonly runTrial?: RunTrial
}

const TestQuery = z.strictObject({
  campaign: z.string().optional().describe('Needed where several campaigns have a URL of that id.'),
})
const PreviewBody = z.strictObject({
  url: z.string().max(4_000),
  trigger: z.enum(TRIGGERS).default('converted'),
})

const UrlParams = z.object({ id: z.string() })
const textByName = z.record(z.string(), z.string())

const URL_ANSWER = z
  .object({
    id: z.string(),
    campaign_id: z.string(),
    trigger,
    method: z.enum(['HEAD', 'GET', 'POST']),
    url: z.string(),
    signed: z.boolean(),
    problem: z
      .object({
        kind: z.enum(['failing', 'gone']),
        since: instant,
        noted_at: instant,
        failures: z.int().describe('In a row.'),
        host: z.string(),
        status: wholeOrNull,
        error: textOrNull,
      })
      .nullable(),
  })
  .meta({ id: 'TrackingUrl' })

const EXCHANGE_ANSWER = z.object({
  request: z.object({
    method: z.string(),
    url: z.string(),
    headers: textByName,
    body: textOrNull,
  }),
  error: textOrNull.describe('Why there was no answer.'),
  response: z
    .object({
      status: z.int(),
      headers: textByName,
      body: z.string().describe('Its beginning.'),
    })
    .nullable(),
})

const TEST_ANSWER = z
  .object({
    outcome: z.enum(['delivered', 'refused_forever', 'failed']),
    reason: textOrNull,
    duration_ms: z.int(),
    exchanges: z.array(EXCHANGE_ANSWER).describe('Redirects are requests of their own.'),
  })
  .meta({ id: 'TrackingUrlTest' })

const PREVIEW_ANSWER = z.union([
  z.object({ valid: z.literal(false), problem: z.string() }),
  z.object({
    valid: z.literal(true),
    problem: z.null(),
    url: z.string(),
    host: z.string(),
    tokens: z.array(
      z.object({
        name: z.string(),
        tag: z.boolean().describe('Whether no call has it by itself.'),
        default: z.string(),
        value: textOrNull,
      }),
    ),
    warnings: z.array(z.string()),
  }),
])

const LIST = described({
  group: 'Tracking URLs',
  summary: 'Lists the tracking URLs in force, with what is wrong with each',
  answers: { 200: json('All of them.', z.array(URL_ANSWER)) },
})
const TEST = described({
  group: 'Tracking URLs',
  summary: 'Requests a tracking URL for a made-up call',
  params: UrlParams,
  query: TestQuery,
  answers: { 200: json('How it went. Nothing is stored.', TEST_ANSWER) },
  problems: ['not_found'],
})
const PREVIEW = described({
  group: 'Tracking URLs',
  summary: 'Checks a template and fills it in for a made-up call',
  body: { 'application/json': PreviewBody },
  answers: { 200: json('What it would become. Nothing is saved.', PREVIEW_ANSWER) },
  problems: ['malformed_body'],
})

/**
 * `GET /tracking-urls` with what is wrong with each, `POST /tracking-urls/{id}/test`, and
 * `POST /tracking-urls/preview`, which saves nothing.
 */
export function registerTrackingUrls(app: FastifyInstance, deps: TrackingUrlsDeps): void {
  app.get('/tracking-urls', LIST, async () => {
    const urls = await urlsInForce(deps.database)
    const problems = await listProblems(deps.database)
    return urls.map((url) => showUrl(url, problems.find(isAbout(url))))
  })
  app.post<{ Params: { id: string } }>('/tracking-urls/:id/test', TEST, async (request, reply) =>
    test(deps, request, reply),
  )
  app.post('/tracking-urls/preview', PREVIEW, async (request, reply) => {
    const body = PreviewBody.safeParse(request.body)
    if (body.success) return preview(deps, body.data)
    const problems = body.error.issues.map(({ path, message }) => ({
      path: path.join('.'),
      message,
    }))
    return sendProblem(reply, 'malformed_body', { problems })
  })
}

async function urlsInForce(database: Database): Promise<readonly ConfiguredUrl[]> {
  return configuredUrls((await currentConfiguration(database))?.document ?? {})
}

const isAbout =
  (url: ConfiguredUrl) =>
  (problem: NotedProblem): boolean =>
    problem.campaignId === url.campaignId && problem.trackingUrlId === url.trackingUrlId

function showUrl(url: ConfiguredUrl, problem: NotedProblem | undefined): Answer<typeof URL_ANSWER> {
  return {
    id: url.trackingUrlId,
    campaign_id: url.campaignId,
    trigger: url.trigger,
    method: url.method,
    url: url.url,
    signed: url.secrets.length > 0,
    problem: problem
      ? {
          kind: problem.problem,
          since: problem.since,
          noted_at: problem.notedAt,
          failures: problem.failures,
          host: problem.host,
          status: problem.status,
          error: problem.error,
        }
      : null,
  }
}

async function test(
  { database, runTrial }: TrackingUrlsDeps,
  request: FastifyRequest<{ Params: { id: string } }>,
  reply: FastifyReply,
): Promise<unknown> {
  const query = readQuery(TestQuery, request.query, reply)
  if (!query) return reply
  const found = (await urlsInForce(database)).filter(
    ({ trackingUrlId, campaignId }) =>
      trackingUrlId === request.params.id && campaignId === (query.campaign ?? campaignId),
  )
  const [url, another] = found
  if (!url || !runTrial) return sendProblem(reply, 'not_found')
  if (another) {
    const message = `is needed: ${found.map(({ campaignId }) => campaignId).join(', ')} have this URL`
    return sendProblem(reply, 'invalid_query', { problems: [{ path: 'campaign', message }] })
  }
  // Before it is made: a request that nobody knows of is worse than a record of one that failed.
  await insertAct(database, actorOf(request), actOf(url))
  return showReport(await runTrial(trialOf(url)))
}

/** Without the URL, in which people put their receivers' passwords. */
const actOf = ({ trackingUrlId, campaignId, trigger, method }: ConfiguredUrl): Act => ({
  what: 'tracking_url.tested',
  subject: trackingUrlId,
  details: { campaign_id: campaignId, trigger, method },
})

/** What the worker would send, for a call that never was and under an id that no delivery has. */
function trialOf(url: ConfiguredUrl): Trial {
  const parsed = parseUrlTemplate(url.url)
  if (parsed.kind === 'malformed') throw new TypeError('a malformed URL is in force')
  const deliveryId = `test_${uuidv7().replaceAll('-', '')}`
  const { call_key: _key, ...known } = sampleValues(url.trigger, parsed.template.rest, url.sampleOf)
  const values = { ...known, delivery_id: deliveryId }
  return {
    method: url.method,
    url: insertCallKey(expandUrl(parsed.template, values).text, SAMPLE_CALL_KEY),
    body: url.method === 'POST' ? JSON.stringify(buildBody(url.trigger, values)) : undefined,
    getAfterHeadRefused: url.getAfterHeadRefused,
    deliveryId,
    secrets: url.secrets,
  }
}

function showReport(report: TrialReport): Answer<typeof TEST_ANSWER> {
  const { outcome, reason, durationMs, exchanges } = report
  return {
    outcome,
    reason: reason ?? null,
    duration_ms: Math.round(durationMs),
    exchanges: exchanges.map(showExchange),
  }
}

function showExchange(exchange: TrialExchange): Answer<typeof EXCHANGE_ANSWER> {
  const { method, url, headers, body, answer } = exchange
  const request = { method, url, headers, body: body ?? null }
  if (answer.kind === 'broken') return { request, error: answer.reason, response: null }
  const { kind: _kind, ...response } = answer
  return { request, error: null, response }
}

function preview(
  { checkUrl }: TrackingUrlsDeps,
  body: z.infer<typeof PreviewBody>,
): Answer<typeof PREVIEW_ANSWER> {
  const shown = previewTemplate(body.url, body.trigger, SAMPLE_OF_NOBODY)
  if (shown.kind === 'malformed') return { valid: false, problem: shown.problem }
  const refused = checkUrl?.(new URL(shown.url).origin)
  if (refused !== undefined) return { valid: false, problem: refused }
  return {
    valid: true,
    problem: null,
    url: shown.url,
    host: shown.host,
    tokens: shown.tokens.map(({ name, isTag, fallback, value }) => ({
      name,
      tag: isTag,
      default: fallback,
      value: value ?? null,
    })),
    warnings: shown.warnings,
  }
}
