import { createHash, timingSafeEqual } from 'node:crypto'
import type { onRequestHookHandler } from 'fastify'
import { sendProblem } from './errors.ts'

/**
 * Lets only requests through that carry `Authorization: Bearer KEY`. Digests are compared, so that
 * the time taken says nothing about the key or its length.
 */
export function requireAdminKey(adminApiKey: string): onRequestHookHandler {
  const expected = digest(adminApiKey)
  return (request, reply, done) => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    if (timingSafeEqual(digest(given), expected)) return done()
    void sendProblem(reply.header('www-authenticate', 'Bearer'), 'unauthorised')
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
