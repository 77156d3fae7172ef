import assert from 'node:assert/strict'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isRoleEnough, type KeyRole } from '../domain/api-key.ts'
import type { Actor } from '../domain/audit.ts'
import { sendProblem } from './errors.ts'
import type { KeyHolder, KeyRing } from './key-ring.ts'
import { createRateLimiter, networkOf, WRONG_KEYS } from './rate-limit.ts'
import { sourceOf } from './source.ts'

/** Answers a request that may not go on; lets all others through. */
export type KeyCheck = (
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply | undefined>

const HOLDERS = new WeakMap<FastifyRequest, KeyHolder>()

/**
 * Lets only requests through that carry `Authorization: Bearer KEY` with a key whose role is enough: 403 where it
 * may not do this, 401 where there is no such key, and 429 where too many of one source were wrong. A right key is
 * taken all the same: behind one proxy stand those who guess and those who work.
 */
export type RequireKey = (roleNeededFor: (request: FastifyRequest) => KeyRole) => KeyCheck

/** Checks keys by the ring, and counts the wrong ones of all routes together, in this process's memory. */
export function createKeyChecks(ring: KeyRing): RequireKey {
  const wrongKeys = createRateLimiter(WRONG_KEYS)
  const refuse = (request: FastifyRequest, reply: FastifyReply, given: string): FastifyReply => {
    // No key is no guess.
    const source = networkOf(sourceOf(request))
    const waitMs = given === '' ? 0 : wrongKeys.take(source, performance.now())
    return waitMs > 0
      ? sendProblem(reply.header('retry-after', Math.ceil(waitMs / 1000)), 'too_many_wrong_keys')
      : sendProblem(reply.header('www-authenticate', 'Bearer'), 'unauthorised')
  }
  return (roleNeededFor) => async (request, reply) => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    const holder = await ring.find(given)
    if (!holder) return refuse(request, reply, given)
    if (!isRoleEnough(holder.role, roleNeededFor(request))) return sendProblem(reply, 'forbidden')
    HOLDERS.set(request, holder)
    return undefined
  }
}

/** Whose act a request is, for the record; only where a key was asked for. */
export function actorOf(request: FastifyRequest): Actor {
  const holder = HOLDERS.get(request)
  assert(holder, 'no key was asked for')
  return { kind: 'key', keyId: holder.keyId, name: holder.name, source: sourceOf(request) }
}
