import { campaignRules } from '../db/configurations.ts'
import type { Queryable } from '../db/queryable.ts'
import { AppError } from '../domain/app-error.ts'
import { createBoundedMap } from '../domain/bounded-map.ts'
import type { CampaignRules } from '../domain/campaign.ts'

/** Gives the rules of a version of a campaign. */
export type FindCampaignRules = (campaignId: string, version: number) => Promise<CampaignRules>

/**
 * Reads versions of campaigns and keeps those that were used last. Versions never change, so nothing
 * kept is ever out of date; a failure is not kept.
 * @param keptMin versions in memory at least, and at most twice as many; a few kilobytes each
 */
export function createCampaignRulesCache(db: Queryable, keptMin: number): FindCampaignRules {
  const kept = createBoundedMap<Promise<CampaignRules>>(keptMin)

  return (campaignId, version) => {
    const key = `${campaignId} ${version}`
    const known = kept.get(key)
    const rules = known ?? readRules(db, campaignId, version)
    kept.set(key, rules)
    if (!known)
      rules.catch(() => {
        if (kept.get(key) === rules) kept.delete(key)
      })
    return rules
  }
}

async function readRules(
  db: Queryable,
  campaignId: string,
  version: number,
): Promise<CampaignRules> {
  const rules = await campaignRules(db, campaignId, version)
  if (rules) return rules
  throw new AppError(
    'not_found',
    `Campaign ${campaignId} has no version ${version}: restore table campaign_versions from a backup.`,
  )
}
