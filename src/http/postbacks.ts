import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PostbackRequest } from '../flow/receive-postback.ts'
import type { Steps } from '../flow/steps.ts'
import type { Logger } from '../telemetry/logger.ts'
import { buildProblem, problemCodeOf, RETRY_AFTER_SECONDS } from './errors.ts'
import { hideKeys } from './hide-keys.ts'
import { SET_VALUE } from './postback-description.ts'
import { type BodyRefusal, readPostback, type ReadPostback } from './postback-request.ts'
import {
  createPostbackLimiter,
  POSTBACK_LIMITS,
  type PostbackLimiter,
  type PostbackLimits,
} from './postback-limits.ts'
import { sourceOf } from './source.ts'

/** What `set_value` needs from around it. */
export interface PostbackDeps extends Pick<Steps, 'receivePostback' | 'recordRefusal'> {
  /** The leg that a key opens, without asking the database. @see behaviour B7 */
  readonly checkKey: (callUuid: string, key: string) => number | undefined
  readonly logger: Logger
  readonly postbackLimits?: Partial<PostbackLimits>
}

/** What is sent back. @see behaviour B16 */
export interface Answer {
  readonly httpStatus: number
  readonly body: string
  readonly retryAfterSeconds?: number
}

/** A request to `set_value`, read. */
export interface Arrived extends ReadPostback {
  readonly source: string
  readonly method: string
}

type SetValueRequest = FastifyRequest<{ Params: { uuid: string }; Body: Buffer | undefined }>

const BODY_BYTES_MAX = 16 * 1024
/** Stands in for the UUID where there is none, so that a key is checked all the same. */
const NO_CALL = '00000000-0000-0000-0000-000000000000'

/**
 * `GET,POST,HEAD /calls/{uuid}/set_value`, where buyers post what a call was worth. All three apply:
 * platforms fire HEAD at each other. A wrong key, an unknown call and no key get the same answer for
 * the same work, and the database is not asked. @see behaviour B4, B6, B7, B16
 */
export function registerPostbacks(app: FastifyInstance, deps: PostbackDeps): void {
  const limiter = createPostbackLimiter({ ...POSTBACK_LIMITS, ...deps.postbackLimits })
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) =>
      parsed(null, body),
    )
    scope.setErrorHandler((error, _request, reply) => send(reply, answerError(deps, error)))
    scope.route({
      method: ['GET', 'HEAD', 'POST'],
      url: '/calls/:uuid/set_value',
      ...SET_VALUE,
      bodyLimit: BODY_BYTES_MAX,
      handler: async (request: SetValueRequest, reply) => {
        const answer = await answerPostback(deps, limiter, readArrived(request))
        return send(reply, answer)
      },
    })
    done()
  })
}

function readArrived(request: SetValueRequest): Arrived {
  const read = readPostback({
    uuidText: request.params.uuid,
    target: request.raw.url ?? '',
    headers: request.headers,
    body: request.body,
  })
  return { ...read, source: sourceOf(request), method: request.method }
}

/**
 * What a request comes to. Refusals are kept with the call (behaviour B15), all but those for coming too often: a flood is
 * not to become a flood of rows.
 */
export async function answerPostback(
  deps: PostbackDeps,
  limiter: PostbackLimiter,
  received: Arrived,
): Promise<Answer> {
  const { source, bodyRefusal, key = '' } = received
  const callUuid = received.callUuid ?? NO_CALL
  const sourceWaitMs = limiter.request(source, callUuid)
  if (sourceWaitMs > 0) return tooMany(sourceWaitMs)
  const leg = deps.checkKey(callUuid, key)
  const isKey = (text: string) => deps.checkKey(callUuid, text) !== undefined
  const arrived = { ...received, text: hideKeys(received.text, isKey) }
  if (leg === undefined || arrived.callUuid === undefined) {
    limiter.wrongKey(source, callUuid)
    return refuse(deps, arrived, WRONG_KEY)
  }
  const callWaitMs = limiter.call(callUuid)
  if (callWaitMs > 0) return tooMany(callWaitMs)
  if (bodyRefusal !== undefined) return refuse(deps, arrived, BODY_REFUSALS[bodyRefusal])
  return receive(deps, arrived, { callUuid, leg })
}

async function receive(
  deps: PostbackDeps,
  { text, source, method, isPrefetch }: Arrived,
  { callUuid, leg }: { readonly callUuid: string; readonly leg: number },
): Promise<Answer> {
  try {
    const reply = await deps.receivePostback({
      callUuid,
      leg,
      text,
      source,
      method: method as PostbackRequest['method'], // the route has no others
      isPrefetch,
    })
    const { httpStatus, status, reason, conversion, revenue, payout } = reply
    const money = { state: conversion, converted: conversion === 'converted', revenue, payout }
    return { httpStatus, body: JSON.stringify({ status, reason, call_uuid: callUuid, ...money }) }
  } catch (error) {
    deps.logger.error('postback.not_stored', { call_uuid: callUuid, error })
    return UNAVAILABLE
  }
}

interface Refusal extends Answer {
  readonly reason: string
}

function refuse(deps: PostbackDeps, arrived: Arrived, refusal: Refusal): Answer {
  const { callUuid, text, source, method } = arrived
  const { httpStatus, reason } = refusal
  if (callUuid !== undefined) {
    deps.recordRefusal({ callUuid, text, source, method, httpStatus, reason })
  }
  return refusal
}

/** The members of every answer; a refusal says nothing about the call, not even whether it exists. */
function refusal(httpStatus: number, reason: string, status = 'refused'): Refusal {
  const nothing = { call_uuid: null, state: null, converted: false, revenue: null, payout: null }
  return { httpStatus, reason, body: JSON.stringify({ status, reason, ...nothing }) }
}

const WRONG_KEY = refusal(403, 'wrong_key')
const TOO_MANY = refusal(429, 'too_many_requests')
const UNAVAILABLE: Answer = {
  ...refusal(503, 'not_stored', 'unavailable'),
  retryAfterSeconds: RETRY_AFTER_SECONDS,
}
const BODY_REFUSALS: Readonly<Record<BodyRefusal, Refusal>> = {
  unsupported_media_type: refusal(415, 'unsupported_media_type'),
  malformed_json: refusal(400, 'malformed_json'),
  body_not_flat: refusal(400, 'body_not_flat'),
  body_not_text: refusal(400, 'body_not_text'),
}

const tooMany = (waitMs: number): Answer => ({
  ...TOO_MANY,
  retryAfterSeconds: Math.ceil(waitMs / 1000),
})

/** What failed before the key was looked at: the same for every call. */
function answerError({ logger }: PostbackDeps, error: unknown): Answer {
  const code = problemCodeOf(error)
  const { status } = buildProblem(code)
  if (status < 500) return refusal(status, code)
  logger.error('http.failed', { error })
  return UNAVAILABLE
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const { httpStatus, body, retryAfterSeconds } = answer
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply.code(httpStatus).type('application/json; charset=utf-8').send(body)
}
