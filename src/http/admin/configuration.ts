import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { currentRevision } from '../../db/configurations.ts'
import type { Database } from '../../db/queryable.ts'
import { parseConfigurationDocument } from '../../domain/configuration-document.ts'
import { CONFIGURATION_SCHEMA } from '../../domain/configuration-schema.ts'
import { type PreviewedUrl, previewUrls } from '../../domain/tracking-urls-configured.ts'
import { applyConfiguration } from '../../flow/apply-configuration.ts'
import { readConfiguration } from '../../flow/read-configuration.ts'
import { actorOf } from '../auth.ts'
import { sendProblem } from '../errors.ts'
import { type Answer, described, json } from '../openapi/route-description.ts'
import { trigger } from './answer-fields.ts'
import { readQuery } from './query.ts'

/** What the configuration resource needs from around it. */
export interface ConfigurationDeps {
  readonly database: Database
  /** Why a tracking URL may not be reached, or undefined. */
  readonly checkUrl?: (url: string) => string | undefined
  /** Makes the next call see what has been applied. */
  readonly refreshConfiguration: () => Promise<void>
}

const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024
/**
 * Calls wait meanwhile. YAML takes 1.0 to 1.4 µs a byte to read and half of that to write; JSON of the whole size
 * is read in 30 ms.
 */
const YAML_LENGTH_MAX = 256 * 1024
const YAML_TOO_LARGE = 'YAML of more than 256 KiB is not taken: send the document as JSON.'
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml']
const PutQuery = z.strictObject({
  dry_run: z.enum(['true', 'false']).optional().describe('Only says what would change.'),
})

const DOCUMENT = CONFIGURATION_SCHEMA.meta({ id: 'Configuration' })

const PREVIEW_ANSWER = z.object({
  id: z.string(),
  campaign_id: z.string(),
  trigger,
  method: z.string(),
  url: z.string(),
  warnings: z.array(z.string()),
})

const GET = described({
  group: 'Configuration',
  summary: 'Gives the configuration in force, as it was applied',
  details: 'Passwords and secrets stand in it, so each reading is put on record.',
  headers: z.object({
    accept: z
      .string()
      .optional()
      .describe('`application/yaml` for YAML; a document of more than 256 KiB comes as JSON.'),
    'if-none-match': z.string().optional().describe('The `etag` of what is there already.'),
  }),
  answers: {
    200: {
      description: 'The document.',
      content: { 'application/json': DOCUMENT, 'application/yaml': DOCUMENT },
      headers: { etag: 'The revision in force.' },
    },
    304: { description: 'It is the one that is there already; nothing is put on record.' },
  },
})
const PUT = described({
  group: 'Configuration',
  summary: 'Makes the configuration equal to a document, all or nothing',
  details:
    'The same document again changes nothing. `docs/configuration.md` explains every key. YAML may have 256 KiB, ' +
    'JSON 4 MiB.',
  query: PutQuery,
  body: { 'application/json': DOCUMENT, 'application/yaml': DOCUMENT },
  answers: {
    200: json(
      'It is in force, or would be.',
      z.object({
        revision: z.int(),
        dry_run: z.boolean(),
        changes: z.array(z.string()).describe('A line a change.'),
        warnings: z
          .array(z.object({ path: z.string(), message: z.string() }))
          .describe('What is allowed and probably not meant.'),
        tracking_urls: z
          .array(PREVIEW_ANSWER)
          .optional()
          .describe('Filled in for a made-up call; with `dry_run=true`.'),
      }),
    ),
  },
  problems: ['invalid_configuration'],
})

/**
 * `PUT,GET /configuration`: the whole configuration as one document, in JSON or YAML. PUT makes the
 * configuration equal to it, all or nothing; the same document again changes nothing. `dry_run=true`
 * says what would change, and shows every tracking URL as a made-up call would fill it in.
 */
export function registerConfiguration(app: FastifyInstance, deps: ConfigurationDeps): void {
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(YAML_TYPES, { parseAs: 'string' }, (_request, text, parsed) =>
    parsed(null, text),
  )
  app.get('/configuration', GET, async (request, reply) => show(deps, request, reply))
  app.put('/configuration', { bodyLimit: DOCUMENT_BYTES_MAX, ...PUT }, async (request, reply) => {
    const query = readQuery(PutQuery, request.query, reply)
    if (!query) return reply
    const read = readBody(request)
    if (read.kind === 'too_large') {
      return sendProblem(reply, 'body_too_large', { detail: YAML_TOO_LARGE })
    }
    if (read.kind === 'malformed') return sendProblem(reply, 'malformed_body', read.place)
    const parsed = parseConfigurationDocument(read.document, deps.checkUrl)
    if (parsed.kind === 'problems') {
      return sendProblem(reply, 'invalid_configuration', { problems: parsed.problems })
    }
    const dryRun = query.dry_run === 'true'
    const { revision, changes } = await applyConfiguration(deps.database, parsed, {
      dryRun,
      by: actorOf(request),
    })
    if (!dryRun) await deps.refreshConfiguration()
    const answer = { revision, dry_run: dryRun, changes, warnings: parsed.warnings }
    if (!dryRun) return answer
    return { ...answer, tracking_urls: previewUrls(parsed.document).map(showPreview) }
  })
}

async function show(
  { database }: ConfigurationDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { accept = '', 'if-none-match': known = '' } = request.headers
  const inForce = etagOf(await currentRevision(database))
  // By weak comparison. @see RFC 9110 §13.1.2
  if (known.split(',').some((each) => each.trim().replace(/^W\//, '') === inForce)) {
    return reply.header('etag', inForce).code(304).send()
  }
  const { revision, document } = (await readConfiguration(database, actorOf(request))) ?? NOTHING
  reply.header('etag', etagOf(revision))
  if (!/\byaml\b/i.test(accept)) return document
  if (JSON.stringify(document).length > YAML_LENGTH_MAX) return document
  return reply.type('application/yaml').send(stringify(document))
}

const NOTHING = { revision: 0, document: {} }
const etagOf = (revision: number): string => `"${revision}"`

const showPreview = (preview: PreviewedUrl): Answer<typeof PREVIEW_ANSWER> => ({
  id: preview.trackingUrlId,
  campaign_id: preview.campaignId,
  trigger: preview.trigger,
  method: preview.method,
  url: preview.url,
  warnings: preview.warnings,
})

type ReadBody =
  | { readonly kind: 'document'; readonly document: unknown }
  | { readonly kind: 'malformed'; readonly place: object }
  | { readonly kind: 'too_large' }

/** JSON has been parsed when the handler is called; YAML has its places told. */
function readBody({ body, mediaType = '' }: FastifyRequest): ReadBody {
  if (body === undefined) return { kind: 'malformed', place: {} }
  if (typeof body !== 'string' || !YAML_TYPES.includes(mediaType)) {
    return { kind: 'document', document: body }
  }
  if (body.length > YAML_LENGTH_MAX) return { kind: 'too_large' }
  const yaml = parseDocument(body)
  const [error] = yaml.errors
  if (error) {
    const [{ line, col: column } = { line: 1, col: 1 }] = error.linePos ?? []
    return { kind: 'malformed', place: { line, column } }
  }
  try {
    return { kind: 'document', document: yaml.toJS() }
  } catch {
    // Too many aliases, or one without its anchor.
    return { kind: 'malformed', place: {} }
  }
}
