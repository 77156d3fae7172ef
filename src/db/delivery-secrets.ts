import type { Queryable } from './queryable.ts'

/** The rules that a call was begun under. */
export interface CampaignVersionId {
  readonly campaignId: string
  readonly campaignVersion: number
}

/**
 * The secrets of a campaign's tracking URLs by their ids: those in force, so that one that is changed
 * counts at once, and for a URL that has been removed those of the call's own version.
 */
export async function findSigningSecrets(
  db: Queryable,
  { campaignId, campaignVersion }: CampaignVersionId,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await db.query<{ id: string; secrets: readonly string[] | null }>({
    name: 'find-signing-secrets',
    text: `select url ->> 'id' "id", url -> 'secrets' "secrets"
             from campaign_versions
            cross join lateral jsonb_array_elements(
                  coalesce(definition -> 'tracking_urls', '[]')) url
            where campaign_id = $1
              and version in ($2, (select max(version) from campaign_versions where campaign_id = $1))
            order by version`,
    values: [campaignId, campaignVersion],
  })
  return new Map(rows.map(({ id, secrets }) => [id, secrets ?? []]))
}
