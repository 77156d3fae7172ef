import type {
  CampaignDocument,
  CampaignRulesDocument,
  ConfigurationDocument,
} from './configuration-schema.ts'

/** The rules of a campaign under the number by which calls are pinned to them. */
export interface CampaignVersion {
  readonly campaignId: string
  /** Counts from 1. */
  readonly version: number
  /** As written in the document, without numbers. */
  readonly definition: CampaignRulesDocument
}

/** What has to be stored to make one configuration into another, and what people are told of it. */
export interface ConfigurationChanges {
  /** Only campaigns whose rules differ from their latest version. */
  readonly newVersions: readonly CampaignVersion[]
  /** One line a change, as in `buyer x: added`; empty if the two are the same. */
  readonly lines: readonly string[]
}

interface Entry {
  readonly id: string
}

/**
 * Compares two documents, defaults left out. Numbers may come and go without a new version: they
 * decide which campaign a call belongs to, not what becomes of it.
 * @param latest the latest version of each campaign that has ever had one, removed ones included
 */
export function findChanges(
  before: ConfigurationDocument,
  after: ConfigurationDocument,
  latest: ReadonlyMap<string, CampaignVersion>,
): ConfigurationChanges {
  const versions = (after.campaigns ?? []).map((campaign) => versionOf(campaign, latest))
  const campaigns = new Map(versions.map((version) => [version.campaignId, version.version]))
  const lines = [
    ...describeEntries('publisher', before.publishers, after.publishers),
    ...describeEntries('buyer', before.buyers, after.buyers),
    ...describeEntries('trunk', before.trunks, after.trunks),
    ...describeCampaigns(before.campaigns, after.campaigns, campaigns),
  ]
  return {
    newVersions: versions.filter(({ campaignId, version }) => {
      return version !== latest.get(campaignId)?.version
    }),
    lines: lines.length > 0 || isSame(before, after) ? lines : ['order of entries: changed'],
  }
}

function versionOf(
  campaign: CampaignDocument,
  latest: ReadonlyMap<string, CampaignVersion>,
): CampaignVersion {
  const campaignId = campaign.id
  const definition = rulesOf(campaign)
  const known = latest.get(campaignId)
  if (known && isSame(known.definition, definition)) return known
  return { campaignId, version: (known?.version ?? 0) + 1, definition }
}

function describeEntries(
  noun: string,
  before: readonly Entry[] = [],
  after: readonly Entry[] = [],
): readonly string[] {
  const known = byId(before)
  const wanted = byId(after)
  return [
    ...after.flatMap((entry) => {
      const earlier = known.get(entry.id)
      if (!earlier) return [`${noun} ${entry.id}: added`]
      return isSame(earlier, entry) ? [] : [`${noun} ${entry.id}: changed`]
    }),
    ...before.flatMap(({ id }) => (wanted.has(id) ? [] : [`${noun} ${id}: removed`])),
  ]
}

function describeCampaigns(
  before: readonly CampaignDocument[] = [],
  after: readonly CampaignDocument[] = [],
  versions: ReadonlyMap<string, number>,
): readonly string[] {
  const known = byId(before)
  const wanted = byId(after)
  return [
    ...after.flatMap((campaign) => {
      const version = versions.get(campaign.id) ?? 0
      return describeCampaign(known.get(campaign.id), campaign, version)
    }),
    ...before.flatMap(({ id }) => (wanted.has(id) ? [] : [`campaign ${id}: removed`])),
  ]
}

function describeCampaign(
  before: CampaignDocument | undefined,
  after: CampaignDocument,
  version: number,
): readonly string[] {
  if (!before) return [`campaign ${after.id}: added, version ${version}`]
  const numbers = describeEntries('number', numbersOf(before), numbersOf(after))
  const isUnchanged = isSame(rulesOf(before), rulesOf(after))
  return [
    ...(isUnchanged ? [] : [`campaign ${after.id}: version ${version}`]),
    ...numbers.map((line) => `campaign ${after.id}: ${line.replace(': ', ' ')}`),
  ]
}

function rulesOf(campaign: CampaignDocument): CampaignRulesDocument {
  const rules = { ...campaign }
  delete rules.numbers
  return rules
}

const numbersOf = ({ numbers = [] }: CampaignDocument): readonly Entry[] =>
  numbers.map(({ number, ...entry }) => ({ ...entry, id: number }))

const byId = <T extends Entry>(entries: readonly T[]): ReadonlyMap<string, T> =>
  new Map(entries.map((entry) => [entry.id, entry]))

/** Whether two values of JSON are the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
