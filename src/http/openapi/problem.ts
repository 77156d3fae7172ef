import { z } from 'zod'
import { PROBLEM_CODES } from '../errors.ts'

/** Every error but those of `set_value`. @see RFC 9457 */
export const PROBLEM_ANSWER = z
  .looseObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.enum(PROBLEM_CODES).describe('What programs decide by; never changes its meaning.'),
    detail: z.string().describe('The same for people.'),
    problems: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('What is wrong with what was sent, place by place.'),
    away: z.array(z.string()).optional().describe('What is not there, of `/readyz`.'),
    line: z.int().optional().describe('Where a YAML document is malformed.'),
    column: z.int().optional(),
  })
  .meta({ id: 'Problem' })
