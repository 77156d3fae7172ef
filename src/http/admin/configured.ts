import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type CurrentConfiguration, currentConfiguration } from '../../db/configurations.ts'
import type { Database } from '../../db/queryable.ts'
import { normaliseNumber } from '../../domain/number.ts'
import { sendProblem } from '../errors.ts'
import { described, json, page } from '../openapi/route-description.ts'
import {
  BUYER_ANSWER,
  CAMPAIGN_ANSWER,
  NUMBER_ANSWER,
  PUBLISHER_ANSWER,
  showBuyer,
  showCampaign,
  showNumbers,
  showTrunk,
  TRUNK_ANSWER,
} from './configured-answers.ts'
import { pageOf, PageSize, readQuery } from './query.ts'

/** What the parts of the configuration need from around them. */
export interface ConfiguredDeps {
  readonly database: Database
}

const PageQuery = z.strictObject({
  limit: PageSize,
  after: z.string().optional().describe('From the `next` link: the last one of the page before.'),
})
const NumbersQuery = PageQuery.extend({
  campaign: z.string().optional(),
  publisher: z.string().optional(),
})

/** A part of the configuration, under what it is called by. */
interface Entry {
  readonly key: string
  readonly shown: object
}

interface Resource<Query extends z.infer<typeof PageQuery>> {
  /** As in `/buyers`. */
  readonly path: string
  readonly singular: string
  /** What one is called by in the path. */
  readonly key: 'id' | 'number'
  readonly answer: z.ZodType
  readonly query: z.ZodObject & z.ZodType<Query>
  readonly entries: (current: CurrentConfiguration) => readonly Entry[]
  readonly matches?: (entry: Entry, query: Query) => boolean
}

/**
 * `GET /publishers`, `/buyers`, `/trunks`, `/campaigns` and `/numbers`, and one of each: what is in force, read
 * only. The document is what changes it.
 */
export function registerConfigured(app: FastifyInstance, { database }: ConfiguredDeps): void {
  const paged = { key: 'id', query: PageQuery } as const
  registerResource(app, database, {
    ...paged,
    path: '/publishers',
    singular: 'publisher',
    answer: PUBLISHER_ANSWER,
    entries: ({ document }) => (document.publishers ?? []).map(byId),
  })
  registerResource(app, database, {
    ...paged,
    path: '/buyers',
    singular: 'buyer',
    answer: BUYER_ANSWER,
    entries: ({ document }) => (document.buyers ?? []).map(showBuyer).map(byId),
  })
  registerResource(app, database, {
    ...paged,
    path: '/trunks',
    singular: 'trunk',
    answer: TRUNK_ANSWER,
    entries: ({ document }) => (document.trunks ?? []).map(showTrunk).map(byId),
  })
  registerResource(app, database, {
    ...paged,
    path: '/campaigns',
    singular: 'campaign',
    answer: CAMPAIGN_ANSWER,
    entries: ({ document, campaignVersions }) =>
      (document.campaigns ?? [])
        .map((campaign) => showCampaign(campaign, campaignVersions.get(campaign.id) ?? 1))
        .map(byId),
  })
  registerNumbers(app, database)
}

function registerNumbers(app: FastifyInstance, database: Database): void {
  registerResource(app, database, {
    path: '/numbers',
    singular: 'number',
    key: 'number',
    query: NumbersQuery,
    answer: NUMBER_ANSWER,
    entries: ({ document }) => showNumbers(document).map((shown) => ({ key: shown.number, shown })),
    matches: ({ shown }, { campaign, publisher }) => {
      const { campaign_id: ofCampaign, publisher_id: ofPublisher } = shown as z.infer<
        typeof NUMBER_ANSWER
      >
      return ofCampaign === (campaign ?? ofCampaign) && ofPublisher === (publisher ?? ofPublisher)
    },
  })
}

const byId = (shown: { readonly id: string }): Entry => ({ key: shown.id, shown })

function registerResource<Query extends z.infer<typeof PageQuery>>(
  app: FastifyInstance,
  database: Database,
  resource: Resource<Query>,
): void {
  const { path, singular, key, answer, query: schema } = resource
  const read = async () => resource.entries((await currentConfiguration(database)) ?? NOTHING)
  const list = described({
    group: 'Configuration',
    summary: `Lists the ${singular}s in force, ordered by ${key}`,
    query: schema,
    answers: { 200: page(`A page of ${singular}s.`, z.array(answer)) },
  })
  app.get(path, list, async (request, reply) => {
    const query = readQuery<Query>(schema, request.query, reply)
    if (!query) return reply
    const { limit } = query
    const found = entriesAfter(await read(), resource, query)
    const page = pageOf(found, reply, { limit, keyOf: ({ key }) => key, parameter: 'after' })
    return page.map(({ shown }) => shown)
  })
  const one = described({
    group: 'Configuration',
    summary: `Gives a ${singular} in force`,
    params: z.object({ [key]: z.string() }),
    answers: { 200: json(`The ${singular}.`, answer) },
    problems: ['not_found'],
  })
  app.get<{ Params: Record<string, string> }>(`${path}/:${key}`, one, async (request, reply) => {
    const text = request.params[key] ?? ''
    const name = key === 'number' ? normaliseNumber(text) : text
    const found = (await read()).find((entry) => entry.key === name)
    return found?.shown ?? sendProblem(reply, 'not_found')
  })
}

const NOTHING: CurrentConfiguration = { revision: 0, document: {}, campaignVersions: new Map() }

function entriesAfter<Query extends z.infer<typeof PageQuery>>(
  entries: readonly Entry[],
  { matches = () => true }: Resource<Query>,
  query: Query,
): readonly Entry[] {
  const { after = '' } = query
  return entries
    .filter((entry) => entry.key > after && matches(entry, query))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
