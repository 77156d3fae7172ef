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
import type { RunTrial, Trial } from '../../domain/delivery-trial.ts'
import { expandUrl, insertCallKey, parseUrlTemplate, TRIGGERS } from '../../domain/tracking-url.ts'
import {
  type ConfiguredUrl,
  configuredUrls,
  SAMPLE_OF_NOBODY,
} from '../../domain/tracking-urls-configured.ts'
import { actorOf } from '../auth.ts'
import { sendProblem } from '../errors.ts'
import { type Answer, described, json } from '../openapi/route-description.ts'
import { readBody, readQuery } from './query.ts'
import {
  PREVIEW_ANSWER,
  showPreview,
  showReport,
  showUrl,
  TEST_ANSWER,
  URL_ANSWER,
} from './tracking-url-answers.ts'

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
    const body = readBody(PreviewBody, request.body, reply)
    return body ? preview(deps, body) : reply
  })
}

async function urlsInForce(database: Database): Promise<readonly ConfiguredUrl[]> {
  return configuredUrls((await currentConfiguration(database))?.document ?? {})
}

const isAbout =
  (url: ConfiguredUrl) =>
  (problem: NotedProblem): boolean =>
    problem.campaignId === url.campaignId && problem.trackingUrlId === url.trackingUrlId

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

function preview(
  { checkUrl }: TrackingUrlsDeps,
  body: z.infer<typeof PreviewBody>,
): Answer<typeof PREVIEW_ANSWER> {
  const shown = previewTemplate(body.url, body.trigger, SAMPLE_OF_NOBODY)
  if (shown.kind === 'malformed') return { valid: false, problem: shown.problem }
  const refused = checkUrl?.(new URL(shown.url).origin)
  if (refused !== undefined) return { valid: false, problem: refused }
  return showPreview(shown)
}
