import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import { sendProblem } from '../errors.ts'

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
