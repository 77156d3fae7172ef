import { z } from 'zod'
import type { NotedProblem } from '../../db/delivery-problems.ts'
import type { TemplatePreview } from '../../domain/delivery-preview.ts'
import type { TrialExchange, TrialReport } from '../../domain/delivery-trial.ts'
import type { ConfiguredUrl } from '../../domain/tracking-urls-configured.ts'
import type { Answer } from '../openapi/route-description.ts'
import { instant, textOrNull, trigger, wholeOrNull } from './answer-fields.ts'

const textByName = z.record(z.string(), z.string())

/** A tracking URL in force. */
export const URL_ANSWER = z
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

/** How a request for a made-up call went. */
export const TEST_ANSWER = z
  .object({
    outcome: z.enum(['delivered', 'refused_forever', 'failed']),
    reason: textOrNull,
    duration_ms: z.int(),
    exchanges: z.array(EXCHANGE_ANSWER).describe('Redirects are requests of their own.'),
  })
  .meta({ id: 'TrackingUrlTest' })

/** What is wrong with a template, or what it becomes. */
export const PREVIEW_ANSWER = z.union([
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

/** A tracking URL in the API, without its secrets. */
export function showUrl(
  url: ConfiguredUrl,
  problem: NotedProblem | undefined,
): Answer<typeof URL_ANSWER> {
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

/** A trial in the API. */
export function showReport(report: TrialReport): Answer<typeof TEST_ANSWER> {
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

/** A template in the API, as a made-up call fills it in. */
export function showPreview(
  shown: Extract<TemplatePreview, { readonly kind: 'preview' }>,
): Answer<typeof PREVIEW_ANSWER> {
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
