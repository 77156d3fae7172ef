import { z } from 'zod'
import { REVENUE } from '../domain/money.ts'
import type { PostbackStatus } from '../domain/settlement-postback.ts'
import { type AnswerDescription, described, json } from './openapi/route-description.ts'

/** Every word there is: no more, no fewer. */
const STATUSES = {
  converted: true,
  pending: true,
  adjusted: true,
  duplicate: true,
  ignored: true,
  rejected: true,
  too_late: true,
  refused: true,
  unavailable: true,
} as const satisfies Readonly<Record<PostbackStatus | 'unavailable', true>>

const amount = z.string().nullable().describe('Exact decimal text; `null` until there is one.')

/** Every answer of `set_value`. @see behaviour B16 */
const POSTBACK_ANSWER = z
  .object({
    status: z
      .enum(Object.keys(STATUSES) as (keyof typeof STATUSES)[])
      .describe('What the request has done.'),
    reason: z.string().describe('Why, as one of the words that docs/buyers.md lists.'),
    call_uuid: z
      .uuid()
      .nullable()
      .describe('`null` in refusals, which say nothing about the call.'),
    state: z
      .enum(['undecided', 'pending', 'converted', 'not_converted'])
      .nullable()
      .describe('How the call stands now.'),
    converted: z.boolean(),
    revenue: amount,
    payout: amount,
  })
  .meta({ id: 'PostbackAnswer' })

/** What is read of a query or body; the text itself is kept and searched, so nothing is parsed by this. */
const POSTBACK = z
  .looseObject({
    key: z.string().optional().describe('Opens the call; may stand in a header instead.'),
    revenue: z.string().regex(REVENUE).optional().describe('What the call was worth.'),
    txid: z.string().max(128).optional().describe('The same one again changes nothing.'),
    reversed: z.literal('true').optional().describe('Takes the conversion back.'),
  })
  .meta({
    description: 'A trigger of the operator’s choice may stand in it; the rest is kept as tags.',
  })

/** In JSON numbers count as they are written, and so do `true` and `false`. */
const POSTBACK_JSON = POSTBACK.extend({
  revenue: POSTBACK.shape.revenue.or(z.number()),
  reversed: POSTBACK.shape.reversed.or(z.literal(true)),
})

const answer = (description: string): AnswerDescription => json(description, POSTBACK_ANSWER)

const later = (description: string): AnswerDescription => ({
  ...answer(description),
  headers: { 'retry-after': 'Seconds.' },
})

/** `set_value` for the document; requests and answers never go through it. */
export const SET_VALUE = described({
  group: 'Postbacks',
  summary: 'Tells what a call was worth',
  details:
    'GET, POST and HEAD do the same. A POST may carry the parameters in its body. A `200` means that the ' +
    'postback is on disk; send it again after `429`, `503` and where there was no answer.',
  keys: ['callKey', 'callKeyHeader', 'callKeyBearer'],
  params: z.object({
    uuid: z.string().describe('The call, with or without hyphens, in any case.'),
  }),
  query: POSTBACK.omit({ key: true }),
  body: { 'application/x-www-form-urlencoded': POSTBACK, 'application/json': POSTBACK_JSON },
  answers: {
    200: answer('Kept, and applied as far as it can be.'),
    400: answer('Malformed.'),
    403: answer('No key, or not the key of this call; also where there is no such call.'),
    404: answer('The key is right, and the call was never stored.'),
    409: answer('The operator takes the first value only.'),
    410: answer('Later than the operator takes.'),
    413: answer('The body is too large.'),
    415: answer('A form or flat JSON is taken, uncompressed.'),
    429: later('Too many requests.'),
    503: later('Not stored.'),
  },
})
