import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { previewTemplate } from '../../domain/delivery-preview.ts'
import { buildBuyerUrls, type BuyerUrlChoice, MACRO_STYLES } from '../../domain/delivery-wizard.ts'
import { sendProblem } from '../errors.ts'
import { type Answer, described, json } from '../openapi/route-description.ts'
import { readQuery } from './query.ts'
import { SAMPLE_OF_NOBODY } from '../../domain/tracking-urls-configured.ts'

/** What the wizard needs from around it. */
export interface WizardDeps {
  /** Base of the postback URLs shown to buyers; that of the request unless set. */
  readonly publicUrl?: string | undefined
  readonly checkUrl?: (url: string) => string | undefined
}

const STYLES = Object.keys(MACRO_STYLES) as [keyof typeof MACRO_STYLES]

const BuyerUrlsQuery = z.strictObject({
  base_url: z.string().max(1_000).describe('Where the buyer takes pings.'),
  tokens: z
    .string()
    .max(1_000)
    .default('')
    .describe('Parameter and token, as in `id:call_uuid,from:caller_number`.'),
  style: z.enum(STYLES).default('curly').describe('How the buyer writes macros.'),
  revenue_macro: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .default('revenue')
    .describe("The buyer's macro for the value of a sale."),
  trigger: z
    .string()
    .regex(/^[\w.~-]+=[\w.~%-]+$/, 'must be written name=value')
    .optional()
    .describe('Instead of a value: what a conversion looks for, as in `sale=true`.'),
})
type BuyerUrlsQuery = z.infer<typeof BuyerUrlsQuery>

const BUYER_URLS_ANSWER = z.object({
  tracking_url: z.object({
    id: z.literal('ping'),
    trigger: z.literal('bridged'),
    method: z.literal('HEAD'),
    url: z.string(),
  }),
  ping_preview: z.string().nullable(),
  warnings: z.array(z.string()),
  postback_url: z.string(),
})

const BUYER_URLS = described({
  group: 'Tracking URLs',
  summary: 'Builds a buyer’s ping URL and postback URL',
  query: BuyerUrlsQuery,
  answers: {
    200: json('What to configure here, and what to configure at the buyer.', BUYER_URLS_ANSWER),
  },
})

/**
 * `GET /wizard/buyer-urls`: the ping URL to configure here and the postback URL to configure at the
 * buyer, from a choice of tokens and the buyer's way of writing macros.
 */
export function registerWizard(app: FastifyInstance, deps: WizardDeps): void {
  app.get('/wizard/buyer-urls', BUYER_URLS, async (request, reply) => {
    const query = readQuery(BuyerUrlsQuery, request.query, reply)
    if (!query) return reply
    const urls = buildBuyerUrls(choiceOf(query, baseOf(deps, request)))
    const problem = urls.kind === 'problem' ? urls : refusalOf(deps, urls.ping)
    if (problem) {
      const { path, message } = problem
      return sendProblem(reply, 'invalid_query', { problems: [{ path, message }] })
    }
    return urls.kind === 'urls' ? show(urls) : reply
  })
}

function show({
  ping,
  postback,
}: {
  readonly ping: string
  readonly postback: string
}): Answer<typeof BUYER_URLS_ANSWER> {
  const preview = previewTemplate(ping, 'bridged', SAMPLE_OF_NOBODY)
  return {
    tracking_url: { id: 'ping', trigger: 'bridged', method: 'HEAD', url: ping },
    ping_preview: preview.kind === 'preview' ? preview.url : null,
    warnings: preview.kind === 'preview' ? preview.warnings : [],
    postback_url: postback,
  }
}

function refusalOf({ checkUrl }: WizardDeps, ping: string) {
  const message = checkUrl?.(new URL(ping.replaceAll(/\[[^\]]*\]/g, '')).origin)
  return message === undefined ? undefined : { path: 'base_url', message }
}

function baseOf({ publicUrl }: WizardDeps, { protocol, host }: FastifyRequest): string {
  return (publicUrl ?? `${protocol}://${host}`).replace(/\/+$/, '')
}

function choiceOf(query: BuyerUrlsQuery, postbackBase: string): BuyerUrlChoice {
  const { base_url, tokens, style, revenue_macro, trigger } = query
  return {
    pingBase: base_url,
    postbackBase,
    style,
    tokens: tokens === '' ? [] : tokens.split(',').map(toChosen),
    sale:
      trigger === undefined
        ? { kind: 'revenue', macro: revenue_macro }
        : { kind: 'trigger', trigger },
  }
}

function toChosen(text: string) {
  const [parameter = '', token = parameter] = text.split(':')
  return { parameter: parameter.trim(), token: token.trim() }
}
