import type { z } from 'zod'
import type { ProblemCode } from '../errors.ts'

/** The headings under which the routes are told, in that order. */
export const GROUPS = {
  Postbacks: 'What buyers post a call’s worth to.',
  Calls: 'Calls, and everything that is known about one.',
  Deliveries: 'Requests to tracking URLs, and sending them again.',
  'Tracking URLs':
    'The tracking URLs in force: what is wrong with them, trying them, building them.',
  Reports: 'Money and postbacks of many calls.',
  Configuration: 'The configuration as one document, and its parts.',
  Access: 'Keys of the API, and what was done with them.',
  Monitoring: 'For monitors and for programs that ask what there is.',
} as const

/** A heading of {@link GROUPS}. */
export type Group = keyof typeof GROUPS

/** A kind of key, and where it stands. */
export type KeyName = 'apiKey' | 'callKey' | 'callKeyHeader' | 'callKeyBearer'

/** Schemas by content type. */
export type Content = Readonly<Record<string, z.ZodType>>

/** What is sent back with one status. */
export interface AnswerDescription {
  readonly description: string
  /** None where there is no body. */
  readonly content?: Content
  /** What each header says, by name. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a route takes and gives. The document at `/docs/json` is made of these and of nothing else. */
export interface RouteDescription {
  readonly group: Group
  /** What the route does: a verb phrase without a full stop. */
  readonly summary: string
  /** Whole sentences. */
  readonly details?: string
  /** The parts of the path that vary. */
  readonly params?: z.ZodObject
  /** The schema that reads the query. */
  readonly query?: z.ZodObject
  /** Headers that change what happens, in small letters. */
  readonly headers?: z.ZodObject
  /** The schema that reads the body. */
  readonly body?: Content
  readonly answers: Readonly<Record<number, AnswerDescription>>
  /** Any one of these opens the route; below `/api/v1` it is the API's, unless said. */
  readonly keys?: readonly KeyName[]
  /** Beside those that every route of the API has. */
  readonly problems?: readonly ProblemCode[]
}

declare module 'fastify' {
  interface FastifyContextConfig {
    description?: RouteDescription
  }
}

/** Route options that carry a description; they change nothing about how requests are answered. */
export const described = (
  description: RouteDescription,
): { readonly config: { readonly description: RouteDescription } } => ({ config: { description } })

/** A JSON body. */
export const json = (description: string, schema: z.ZodType): AnswerDescription => ({
  description,
  content: { 'application/json': schema },
})

/** A page of a list: JSON, with a link to the next one. */
export const page = (description: string, list: z.ZodType): AnswerDescription => ({
  ...json(description, list),
  headers: { link: 'The next page, as in `<…>; rel="next"`; absent on the last one (RFC 8288).' },
})

type Frozen<Value> = Value extends Date
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value

/**
 * What a schema of an answer describes, as the handler gives it: instants are still `Date`. A function
 * that builds an answer has this type, so that it cannot give anything else than what is documented.
 */
export type Answer<Schema extends z.ZodType> = Frozen<z.output<Schema>>
