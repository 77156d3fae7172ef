import { type CallFacts, type CallNames, type MoneyTokens, tokenValues } from './call.ts'
import { deliveryId } from './delivery.ts'
import type { Template, TokenValues } from './tokens.ts'
import type { Trigger } from './tracking-url.ts'

/** The UUID of the made-up call: its time is 0, which no call has. */
const SAMPLE_CALL_UUID = '00000000-0000-7000-8000-000000000000'

/** Well formed as a key is, and opens nothing. */
export const SAMPLE_CALL_KEY = `0000${'0'.repeat(40)}`

/** Triggers in the order in which a call comes to know things. */
const STAGES: Readonly<Record<Trigger, 'begun' | 'selected' | 'bridged' | 'decided'>> = {
  start: 'begun',
  selected: 'selected',
  bridged: 'bridged',
  finished: 'decided',
  converted: 'decided',
  not_converted: 'decided',
  adjusted: 'decided',
}

/** Whose names the made-up call has. */
export interface SampleOf {
  readonly campaignId: string
  readonly publisherId: string
  readonly buyerId: string
  readonly trackingUrlId: string
  readonly names: CallNames
}

/**
 * Token values of a made-up call as they are at a trigger: what is not known then is empty, as it
 * would be. Tags that the template names get a value, since a call may have them.
 */
export function sampleValues(trigger: Trigger, template: Template, of: SampleOf): TokenValues {
  const facts = sampleFacts(trigger, of)
  const { buyerName, ...names } = of.names
  const known = { ...names, buyerName: facts.buyerId === undefined ? undefined : buyerName }
  const { trackingUrlId } = of
  return {
    ...sampleTags(template),
    ...tokenValues(facts, known, sampleMoney(trigger)),
    // No buyer is chosen yet.
    call_key: trigger === 'start' ? undefined : SAMPLE_CALL_KEY,
    trigger,
    delivery_id: deliveryId({ callUuid: SAMPLE_CALL_UUID, trackingUrlId, occurrence: 0 }),
  }
}

function sampleFacts(trigger: Trigger, of: SampleOf): CallFacts {
  const stage = STAGES[trigger]
  const isAnswered = stage === 'bridged' || stage === 'decided'
  const isOver = stage === 'decided'
  return {
    callUuid: SAMPLE_CALL_UUID,
    campaignId: of.campaignId,
    campaignVersion: 1,
    publisherId: of.publisherId,
    subId: 'sample-sub',
    callerNumber: '+12125550100',
    dialedNumber: '+18005550100',
    startedAt: new Date('2026-01-01T12:00:00.000Z'),
    tags: {},
    buyerId: stage === 'begun' ? undefined : of.buyerId,
    answeredAt: isAnswered ? new Date('2026-01-01T12:00:10.000Z') : undefined,
    endedAt: isOver ? new Date('2026-01-01T12:02:15.000Z') : undefined,
    connectedMs: isOver ? 125_000 : undefined,
    totalMs: isOver ? 135_000 : undefined,
    hungUpBy: isOver ? 'caller' : undefined,
    sipStatus: isAnswered ? 200 : undefined,
  }
}

function sampleMoney(trigger: Trigger): MoneyTokens {
  if (STAGES[trigger] !== 'decided') return {}
  if (trigger === 'not_converted') return { converted: false, late: false, duplicate: false }
  const money = { revenue: '10.00', payout: '8.00', postbackValue: '10.00' } as const
  return { ...money, converted: true, conversionName: 'sample', late: false, duplicate: false }
}

function sampleTags(template: Template): TokenValues {
  const names = template.flatMap((part) => (part.kind === 'token' ? [part.name] : []))
  return Object.fromEntries(names.map((name) => [name, `sample-${name}`]))
}
