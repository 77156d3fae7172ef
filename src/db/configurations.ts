import type { CampaignRules } from '../domain/campaign.ts'
import type { CampaignVersion } from '../domain/configuration-changes.ts'
import { orderDocument, parseCampaignRules } from '../domain/configuration-document.ts'
import type {
  CampaignRulesDocument,
  ConfigurationDocument,
} from '../domain/configuration-schema.ts'
import { ADVISORY_LOCKS } from './advisory-locks.ts'
import type { Queryable } from './queryable.ts'

/** The configuration in force. */
export interface CurrentConfiguration {
  /** Grows with every change, with gaps. */
  readonly revision: number
  /** As it was applied, keys in the order in which people write them. */
  readonly document: ConfigurationDocument
  /** The version in force of each campaign of the document. */
  readonly campaignVersions: ReadonlyMap<string, number>
}

/**
 * Makes other changes of the configuration wait until this transaction ends. What is read after it,
 * in statements of their own, is what the one before has left.
 */
export async function lockConfiguration(db: Queryable): Promise<void> {
  await db.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.configuration])
}

/** The revision in force; 0 before anything was applied. */
export async function currentRevision(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ revision: number }>({
    name: 'current-revision',
    text: `select coalesce(max(revision), 0) revision from configurations`,
  })
  return rows[0]?.revision ?? 0
}

/**
 * The configuration in force; undefined before anything was applied. One statement, so that document
 * and versions belong together.
 */
export async function currentConfiguration(
  db: Queryable,
): Promise<CurrentConfiguration | undefined> {
  const { rows } = await db.query<{
    revision: number
    document: unknown
    versions: Readonly<Record<string, number>>
  }>(
    `select revision, document,
            (select coalesce(jsonb_object_agg(campaign_id, version), '{}')
               from (select campaign_id, max(version) as version
                       from campaign_versions
                      where campaign_id in (
                            select id #>> '{}'
                              from jsonb_path_query(document, '$.campaigns[*].id') id)
                      group by campaign_id) latest) versions
       from configurations
      order by revision desc
      limit 1`,
  )
  const [row] = rows
  return (
    row && {
      revision: row.revision,
      document: orderDocument(row.document),
      campaignVersions: new Map(Object.entries(row.versions)),
    }
  )
}

/** Stores a document as the one in force, and gives its revision. */
export async function insertConfiguration(
  db: Queryable,
  document: ConfigurationDocument,
): Promise<number> {
  const { rows } = await db.query<{ revision: number }>(
    `insert into configurations (document) values ($1::jsonb) returning revision`,
    [JSON.stringify(document)],
  )
  const [row] = rows
  if (!row) throw new Error('insert into configurations returned no row')
  return row.revision
}

/** The latest version of each of these campaigns that has one, removed campaigns included. */
export async function latestCampaignVersions(
  db: Queryable,
  campaignIds: readonly string[],
): Promise<ReadonlyMap<string, CampaignVersion>> {
  const { rows } = await db.query<CampaignVersion>(
    `select distinct on (campaign_id)
            campaign_id "campaignId", version, definition
       from campaign_versions
      where campaign_id = any($1::text[])
      order by campaign_id, version desc`,
    [campaignIds],
  )
  return new Map(rows.map((row) => [row.campaignId, row]))
}

/** Stores new versions of campaigns. All of them, or none. */
export async function insertCampaignVersions(
  db: Queryable,
  versions: readonly CampaignVersion[],
): Promise<void> {
  await db.query(
    `insert into campaign_versions (campaign_id, version, definition)
     select * from unnest($1::text[], $2::int[], $3::jsonb[])`,
    [
      versions.map(({ campaignId }) => campaignId),
      versions.map(({ version }) => version),
      versions.map(({ definition }) => JSON.stringify(definition)),
    ],
  )
}

/**
 * The rules under which a call was begun; undefined if there never was such a version.
 * @throws AppError `invalid_configuration` if this version of the program cannot read them
 */
export async function campaignRules(
  db: Queryable,
  campaignId: string,
  version: number,
): Promise<CampaignRules | undefined> {
  const { rows } = await db.query<{ definition: CampaignRulesDocument }>({
    name: 'campaign-rules',
    text: `select definition from campaign_versions where campaign_id = $1 and version = $2`,
    values: [campaignId, version],
  })
  return rows[0] && parseCampaignRules(rows[0].definition)
}
