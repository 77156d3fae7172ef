import assert from 'node:assert/strict'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { z } from 'zod'
import { parseCallUuid } from '../call-uuid.ts'
import { type ProblemCode, sendProblem } from '../errors.ts'

const HOW = 'must be ISO 8601, such as 2026-11-23T14:00:00Z'
const DateTime = z.iso.datetime({ offset: true })

/** An instant in a query, or a day, which is its first instant in UTC. */
export const Instant = z.union([DateTime, z.iso.date()], HOW).transform((text) => new Date(text))

/** An instant in a query, or a day as it was written: where it begins depends on a time zone. */
export const InstantOrDay = z.union(
  [
    DateTime.transform((text) => new Date(text)),
    // There was no year 0, and PostgreSQL says so.
    z.iso.date().refine((text) => !text.startsWith('0000')),
  ],
  HOW,
)

/** The UUID of a call in a query, in either form. */
export const Uuid = z.string().transform((text, context) => {
  const uuid = parseCallUuid(text)
  if (uuid === undefined) context.addIssue('must be the UUID of a call')
  return uuid ?? z.NEVER
})

const PAGE = 25
const PAGE_MAX = 200

/** How many entries of a list are on a page. */
export const PageSize = z.coerce
  .number()
  .int()
  .min(1)
  .max(PAGE_MAX)
  .default(PAGE)
  .describe('How many are on a page.')

/** How a list is cut into pages. */
interface Paging<Entry> {
  /** As many as {@link PageSize} allows. */
  readonly limit: number
  /** What the parameter of the next page says of the last entry of this one. */
  readonly keyOf: (entry: Entry) => string
  /** `before` unless said. */
  readonly parameter?: 'before' | 'after'
}

/**
 * The entries that stand on a page. Where more were found, the answer gets a link to the same list, going on
 * behind the page's last entry.
 * @param found one more than the page has room for, if there are so many
 * @see RFC 8288
 */
export function pageOf<Entry>(
  found: readonly Entry[],
  reply: FastifyReply,
  { limit, keyOf, parameter = 'before' }: Paging<Entry>,
): readonly Entry[] {
  const entries = found.slice(0, limit)
  const last = entries.at(-1)
  if (found.length > limit && last !== undefined) {
    const { pathname, searchParams } = new URL(reply.request.url, 'http://localhost')
    searchParams.set(parameter, keyOf(last))
    reply.header('link', `<${pathname}?${searchParams.toString()}>; rel="next"`)
  }
  return entries
}

/**
 * Reads a query's parameters; where they are unknown, malformed or given twice, answers with every
 * one of them and gives undefined.
 */
export function readQuery<Query>(
  schema: z.ZodType<Query>,
  query: unknown,
  reply: FastifyReply,
): Query | undefined {
  const { description } = reply.request.routeOptions.config
  assert(description?.query === schema, 'a query is read by the schema that documents it')
  return parsedOr(reply, 'invalid_query', schema.safeParse(query))
}

/** The same for a JSON body. */
export function readBody<Body>(
  schema: z.ZodType<Body>,
  body: unknown,
  reply: FastifyReply,
): Body | undefined {
  const { description } = reply.request.routeOptions.config
  const documented = description?.body?.['application/json']
  assert(documented === schema, 'a body is read by the schema that documents it')
  return parsedOr(reply, 'malformed_body', schema.safeParse(body))
}

const NOTHING = z.strictObject({})
/** PostgreSQL takes every character in a text but this one. */
const ANYTHING = z.record(
  z.string(),
  z.unknown().refine((value) => !String(value).includes('\0'), 'holds a NUL character'),
)

/** Refuses, before a route is called, a query where it takes none, and one that the database could not look for. */
export function refuseStrayQuery(
  { query, routeOptions }: FastifyRequest,
  reply: FastifyReply,
  next: HookHandlerDoneFunction,
): void {
  const taken = routeOptions.config.description?.query ? ANYTHING : NOTHING
  if (parsedOr(reply, 'invalid_query', taken.safeParse(query))) next()
}

function parsedOr<Value>(
  reply: FastifyReply,
  code: ProblemCode,
  parsed: z.ZodSafeParseResult<Value>,
): Value | undefined {
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => ({
    path: path.join('.'),
    message,
  }))
  sendProblem(reply, code, { problems })
  return undefined
}
