import type { CampaignRules } from '../../src/domain/campaign.ts'
import type { RepeatPolicy } from '../../src/domain/conversion-group.ts'
import { aCampaign, aPostbackGroup, everyTrackingUrl, flatSale, posted } from '../support/flow.ts'

/** A variant of the rules, as the model knows it and as the program is given it. */
export interface Variant {
  /** Payout is revenue × this, as a fraction. */
  readonly share: readonly [bigint, bigint]
  readonly policy: RepeatPolicy
  readonly timeoutSeconds: number
  readonly lateLimitSeconds: number | undefined
  readonly zeroConverts: boolean
  readonly hasTrigger: boolean
  /** What tracking URLs are for: a campaign that tells nobody of a call that has not converted is settled otherwise. */
  readonly told: readonly string[]
}

const OUTCOMES = ['finished', 'converted', 'not_converted', 'adjusted']

const USUAL: Variant = {
  share: [4n, 5n],
  policy: 'adjust',
  timeoutSeconds: 600,
  lateLimitSeconds: undefined,
  zeroConverts: false,
  hasTrigger: true,
  told: OUTCOMES,
}

/** The version of the campaign is the place in this list, from 1. */
export const VARIANTS: readonly Variant[] = [
  USUAL,
  { ...USUAL, share: [201n, 200n], hasTrigger: false },
  { ...USUAL, policy: 'first' },
  { ...USUAL, policy: 'reject', hasTrigger: false },
  { ...USUAL, lateLimitSeconds: 900 },
  { ...USUAL, timeoutSeconds: 0 },
  { ...USUAL, zeroConverts: true, hasTrigger: false },
  { ...USUAL, told: ['converted', 'adjusted'] },
  { ...USUAL, told: [], lateLimitSeconds: 900 },
]

const ALL_RULES = VARIANTS.map(rulesUnder)

/** The rules of a version, as the program is given them. */
export function rulesOf(version: number): CampaignRules {
  const rules = ALL_RULES[version - 1]
  if (!rules) throw new Error(`there is no version ${version}`)
  return rules
}

function rulesUnder(variant: Variant): CampaignRules {
  const modifier = variant.share[1] === 5n ? '*0.8' : '*1.005'
  const revenue = { ...posted(modifier, variant.policy), zeroConverts: variant.zeroConverts }
  const trigger = { ...flatSale, onRepeat: variant.policy }
  return aCampaign({
    trackingUrls: everyTrackingUrl().filter((url) => variant.told.includes(url.trigger)),
    conversionGroups: [
      aPostbackGroup({
        postbackTimeoutSeconds: variant.timeoutSeconds,
        lateLimitSeconds: variant.lateLimitSeconds,
        conversions: variant.hasTrigger ? [trigger, revenue] : [revenue],
      }),
    ],
  })
}
