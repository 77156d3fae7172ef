import assert from 'node:assert/strict'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isRoleEnough, type KeyRole } from '../domain/api-key.ts'
import type { Actor } from '../domain/audit.ts'
import { sendProblem } from './errors.ts'
import type { KeyHolder, KeyRing } from './key-ring.ts'
import { sourceOf } from './source.ts'

/** Answers a request that may not go on; lets all others through. */
export type KeyCheck = (
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply | undefined>

const HOLDERS = new WeakMap<FastifyRequest, KeyHolder>()

/**
 * Lets only requests through that carry `Authorization: Bearer KEY` with a key whose role is enough: 401 where
 * there is no such key, 403 where it may not do this.
 */
export function requireKey(
  ring: KeyRing,
  roleNeededFor: (request: FastifyRequest) => KeyRole,
): KeyCheck {
  return async (request, reply) => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    const holder = await ring.find(given)
    if (!holder) return sendProblem(reply.header('www-authenticate', 'Bearer'), 'unauthorised')
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
