import { type Problem, writePath } from './configuration-problems.ts'
import type {
  BuyerDocument,
  CampaignDocument,
  ConfigurationDocument,
  TrunkDocument,
} from './configuration-schema.ts'

/** What is allowed and probably not meant. */
export function findWarnings({
  buyers = [],
  trunks = [],
  campaigns = [],
}: ConfigurationDocument): readonly Problem[] {
  return [
    ...buyers.flatMap(warnOfGateway),
    ...buyers.flatMap(warnOfPrefix),
    ...warnOfCredentials(trunks),
    ...campaigns.flatMap(warnOfTriggers),
    ...campaigns.flatMap(warnOfPosted),
  ]
}

function warnOfGateway({ endpoint, gateway }: BuyerDocument, index: number): readonly Problem[] {
  if (gateway === undefined || endpoint.startsWith('tel:')) return []
  const message = 'is used for tel: endpoints only: remove it'
  return [{ path: writePath(['buyers', index, 'gateway']), message }]
}

/** `00` before `+1…` is no number anywhere. */
function warnOfPrefix({ numbers = {} }: BuyerDocument, index: number): readonly Problem[] {
  const { format = 'e164', prefix, dialled_prefix } = numbers
  if (format !== 'e164') return []
  const keys = Object.entries({ prefix, dialled_prefix }).flatMap(([key, digits]) =>
    digits === undefined ? [] : key,
  )
  const message =
    'stands before a plus sign: write format: e164_plain or national, if that is not meant'
  return keys.map((key) => ({ path: writePath(['buyers', index, 'numbers', key]), message }))
}

/** Trunks may have the same user name with passwords of their own; with both the same nobody can tell them apart. */
function warnOfCredentials(trunks: readonly TrunkDocument[]): readonly Problem[] {
  const first = new Map<string, string>()
  return trunks.flatMap(({ digest }, index) => {
    if (!digest) return []
    const path = writePath(['trunks', index, 'digest'])
    const key = JSON.stringify([digest.username, digest.password])
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, path)
    const message = `is the same as ${earlier}: a call that shows it counts for the first one whose allow fits`
    return earlier === undefined ? [] : [{ path, message }]
  })
}

interface PlacedTrigger {
  readonly trigger: string
  readonly isSubstring: boolean
  readonly path: string
}

/** `sale=true` stands in `resale=true`, so that the one answers for the other. @see behaviour B6 */
function warnOfTriggers(campaign: CampaignDocument, index: number): readonly Problem[] {
  const triggers = triggersOf(campaign, index)
  return triggers
    .filter(({ isSubstring }) => isSubstring)
    .flatMap(({ trigger, path }) =>
      triggers
        .filter((other) => other.path !== path && other.trigger.includes(trigger))
        .map((other) => ({
          path,
          message: `stands inside the trigger of ${other.path}: write match: parameter, or change one`,
        })),
    )
}

function triggersOf(campaign: CampaignDocument, index: number): readonly PlacedTrigger[] {
  return (campaign.conversion_groups ?? []).flatMap((group, place) => {
    if (group.type === 'duration') return []
    return group.conversions.flatMap((conversion, position) => {
      if (conversion.value === 'posted') return []
      const keys = ['campaigns', index, 'conversion_groups', place, 'conversions', position]
      const { trigger, match = 'substring' } = conversion
      const path = writePath([...keys, 'trigger'])
      return [{ trigger, isSubstring: match === 'substring', path }]
    })
  })
}

/** The first that matches is used, and every revenue matches the first of them. @see behaviour B6 */
function warnOfPosted(campaign: CampaignDocument, index: number): readonly Problem[] {
  return (campaign.conversion_groups ?? []).flatMap((group, place) => {
    if (group.type === 'duration') return []
    const posted = group.conversions.flatMap(({ value }, position) =>
      value === 'posted' ? [position] : [],
    )
    const keys = ['campaigns', index, 'conversion_groups', place, 'conversions']
    return posted.slice(1).map((position) => ({
      path: writePath([...keys, position]),
      message: 'is never reached: an earlier conversion takes every posted revenue',
    }))
  })
}
