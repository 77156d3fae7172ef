import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { sendProblem } from '../errors.ts'

/** An instant in a query, or a day, which is its first instant in UTC. */
export const Instant = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    'must be ISO 8601, such as 2026-11-23T14:00:00Z',
  )
  .transform((text) => new Date(text))

/**
 * Reads a query's parameters; where they are unknown, malformed or given twice, answers with every
 * one of them and gives undefined.
 */
export function readQuery<Query>(
  schema: z.ZodType<Query>,
  query: unknown,
  reply: FastifyReply,
): Query | undefined {
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => ({
    path: path.join('.'),
    message,
  }))
  sendProblem(reply, 'invalid_query', { problems })
  return undefined
}
