import { randomBytes } from 'node:crypto'
import type {
  BuyerDocument,
  CampaignDocument,
  ConfigurationDocument,
  TrunkDocument,
} from '../src/domain/configuration-schema.ts'
import { TRIGGERS } from '../src/domain/tracking-url.ts'
import { type HeldPort, holdPort } from './ports.ts'
import type { Scenario } from './scenario.ts'

/** What one scenario has for itself, so that several can run side by side. */
export interface Plan {
  readonly scenario: Scenario
  /** Another one in each run, so that calls of earlier runs are not counted. */
  readonly campaignId: string
  /** Ten digits, after +1. */
  readonly dialled: string
  /** Ten digits, after +1. */
  readonly caller: string
  /** Where the caller sends from. */
  readonly callerIp: string
  readonly callerPort: HeldPort
  readonly buyerPorts: readonly HeldPort[]
}

const PREFIX = 'scenario'

/** The scenario's buyer at a place, counted from 1. */
export const buyerId = ({ campaignId }: Pick<Plan, 'campaignId'>, place: number): string =>
  `${campaignId}-${place}`

/** The place that is written in a buyer's id. */
export const buyerPlace = ({ campaignId }: Pick<Plan, 'campaignId'>, id: string): string =>
  id.replace(`${campaignId}-`, '')

const isLoopback = (ip: string): boolean => ip === '::1' || ip.startsWith('127.')

/**
 * Whether the scenario can be played from this address. One whose caller is to have an address of its own
 * takes it from 127.0.1.0/24, which Linux alone has without being told.
 */
export const isPlayable = ({ from }: Scenario, localIp: string): boolean =>
  from === undefined || (localIp.startsWith('127.') && process.platform === 'linux')

/** Gives every scenario a campaign, a number, a caller and ports of its own. */
export async function planScenarios(
  scenarios: readonly Scenario[],
  localIp: string,
): Promise<readonly Plan[]> {
  const run = randomBytes(3).toString('hex')
  return Promise.all(
    scenarios.map(async (scenario, index) => {
      const callerIp = scenario.from === undefined ? localIp : `127.0.1.${index + 1}`
      return {
        scenario,
        campaignId: `${PREFIX}-${run}-${scenario.name}`,
        dialled: `800555${1000 + index}`,
        caller: `212555${1000 + index}`,
        callerIp,
        callerPort: await holdPort(callerIp),
        buyerPorts: await Promise.all((scenario.buyers ?? []).map(() => holdPort(localIp))),
      }
    }),
  )
}

export interface Surroundings {
  readonly localIp: string
  /** Where the service takes calls. */
  readonly sip: { readonly host: string; readonly port: number }
  /** Base of the tracking URLs. */
  readonly receiverUrl: string
}

/** A configuration without scenarios, which a run that was broken off may have left in it. */
export function withoutScenarios(document: ConfigurationDocument): ConfigurationDocument {
  const kept = <T extends { readonly id: string }>(list: readonly T[] | undefined): T[] =>
    (list ?? []).filter(({ id }) => id !== PREFIX && !id.startsWith(`${PREFIX}-`))
  return {
    trunks: kept(document.trunks),
    publishers: kept(document.publishers),
    buyers: kept(document.buyers),
    campaigns: kept(document.campaigns),
  }
}

/** What is configured, and a campaign with its own buyers for each scenario. */
export function withScenarios(
  document: ConfigurationDocument,
  plans: readonly Plan[],
  surroundings: Surroundings,
): ConfigurationDocument {
  const { trunks = [], publishers = [], buyers = [], campaigns = [] } = withoutScenarios(document)
  const { localIp } = surroundings
  const own = plans.flatMap(trunksOf)
  const isStrangerNeeded = plans.some(({ scenario }) => scenario.from !== undefined)
  // With no trunks at all, loopback is let in; a trunk of ours would shut it out.
  const isTrunkNeeded = !isLoopback(localIp) || trunks.length > 0 || isStrangerNeeded
  return {
    trunks: isTrunkNeeded ? [...trunks, { id: PREFIX, allow: [localIp] }, ...own] : trunks,
    publishers: [...publishers, { id: PREFIX, name: 'Scenarios' }],
    buyers: [...buyers, ...plans.flatMap((plan) => buyersOf(plan, surroundings))],
    campaigns: [...campaigns, ...plans.map((plan) => campaignOf(plan, surroundings))],
  }
}

function trunksOf({ scenario, campaignId, callerIp }: Plan): readonly TrunkDocument[] {
  if (scenario.from === undefined || scenario.from === 'stranger') return []
  return [{ ...scenario.from, id: campaignId, allow: [callerIp] }]
}

function buyersOf(plan: Plan, { localIp, sip }: Surroundings): readonly BuyerDocument[] {
  return plan.buyerPorts.map((_, index) => ({
    // SIPp takes a request that its scenario does not know for a failure.
    ping_seconds: 0,
    ...plan.scenario.configuration?.buyer,
    id: buyerId(plan, index + 1),
    name: `Buyer ${index + 1}`,
    endpoint:
      plan.scenario.buyers?.[index] === 'ourselves'
        ? `sip:+1${plan.dialled}@${hostOf(sip.host)}:${sip.port}`
        : `sip:buyer@${hostOf(localIp)}:${portOf(plan, index)}`,
  }))
}

function portOf({ scenario, buyerPorts }: Plan, index: number): number | undefined {
  const isSameHost = scenario.buyers?.[index] === 'same-host'
  return buyerPorts[isSameHost ? index - 1 : index]?.port
}

const hostOf = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip)

function campaignOf(plan: Plan, { receiverUrl }: Surroundings): CampaignDocument {
  const { name, configuration } = plan.scenario
  return {
    id: plan.campaignId,
    name,
    numbers: [{ number: `+1${plan.dialled}`, publisher: PREFIX }],
    routes: plan.buyerPorts.map((_, index) => ({
      buyer: buyerId(plan, index + 1),
      ...(configuration?.ringTogether ? { ring_together: true } : { priority: index + 1 }),
    })),
    tracking_urls: TRIGGERS.map((trigger) => ({
      id: trigger.replace('_', '-'),
      trigger,
      method: trigger === 'bridged' ? 'HEAD' : 'GET',
      url: `${receiverUrl}/${name}/${trigger}?call=[call_uuid]${TOLD[trigger]}`,
    })),
    conversion_groups: [...(configuration?.groups ?? [])],
  }
}

/** What each tracking URL is told beside the call's UUID. */
const TOLD: Readonly<Record<(typeof TRIGGERS)[number], string>> = {
  start: '',
  selected: '&buyer=[buyer_id]',
  bridged: '&key=[call_key]&from=[caller_number]',
  finished: '&by=[hung_up_by]&status=[sip_status]',
  converted: '&revenue=[revenue]&payout=[payout]&late=[late]',
  not_converted: '',
  adjusted: '&revenue=[revenue]&payout=[payout]',
}
