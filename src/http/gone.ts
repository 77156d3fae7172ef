import type { FastifyReply } from 'fastify'

/**
 * Aborted once nobody waits for an answer any more, because it has been sent or its reader has gone. The end of
 * a *request* says neither.
 */
export function goneOf({ raw }: FastifyReply): AbortSignal {
  if (raw.destroyed) return AbortSignal.abort()
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  return gone.signal
}
