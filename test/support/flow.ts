import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../src/db/queryable.ts'
import { type CallFacts, NOT_YET_KNOWN } from '../../src/domain/call.ts'
import type { Buyer, CampaignRules } from '../../src/domain/campaign.ts'
import type {
  PostbackConversion,
  PostbackGroup,
  RepeatPolicy,
} from '../../src/domain/conversion-group.ts'
import { parsePayoutModifier } from '../../src/domain/payout-modifier.ts'
import { parseUrlTemplate, type TrackingUrl, type Trigger } from '../../src/domain/tracking-url.ts'
import type { RoutingRequest } from '../../src/domain/routing.ts'
import type { Logger } from '../../src/telemetry/logger.ts'
import { beginCalls } from '../../src/flow/begin-call.ts'
import { bridgeCalls } from '../../src/flow/bridge-call.ts'
import { endCalls } from '../../src/flow/end-call.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { type PostbackReply, receivePostbacks } from '../../src/flow/receive-postback.ts'
import { openTestDatabase, type TestDatabase } from './database.ts'

export function posted(modifier: string, onRepeat: RepeatPolicy = 'adjust'): PostbackConversion {
  const parsed = parsePayoutModifier(modifier)
  if (parsed.kind !== 'modifier') throw new Error(parsed.problem)
  return {
    kind: 'posted',
    name: 'posted',
    payoutModifier: parsed.steps,
    zeroConverts: false,
    onRepeat,
  }
}

export const flatSale: PostbackConversion = {
  kind: 'trigger',
  name: 'flat',
  trigger: 'sale=true',
  match: 'substring',
  revenue: '25.00',
  payout: '20.00',
  onRepeat: 'adjust',
}

export function aPostbackGroup(overrides: Partial<PostbackGroup> = {}): PostbackGroup {
  return {
    kind: 'postback',
    groupId: 'sales',
    filters: {},
    dedupeSeconds: 0,
    postbackTimeoutSeconds: 600,
    lateLimitSeconds: undefined,
    conversions: [flatSale, posted('*0.8')],
    ...overrides,
  }
}

/** A tracking URL for each trigger, named after it. */
export function everyTrackingUrl(origin = 'https://tracker.example'): readonly TrackingUrl[] {
  const triggers: readonly Trigger[] = [
    'start',
    'selected',
    'bridged',
    'finished',
    'converted',
    'not_converted',
    'adjusted',
  ]
  return triggers.map((trigger, fireOrder) => {
    const source = `${origin}/${trigger.replace('_', '-')}?id=[call_uuid]&amt=[payout]&late=[late]`
    const parsed = parseUrlTemplate(source)
    if (parsed.kind !== 'url') throw new Error(parsed.problem)
    return {
      trackingUrlId: trigger.replace('_', '-'),
      trigger,
      method: 'GET',
      template: parsed.template,
      filters: {},
      fireOrder,
      getAfterHeadRefused: true,
    }
  })
}

export function aCampaign(overrides: Partial<CampaignRules> = {}): CampaignRules {
  return {
    campaignId: 'solar',
    name: 'Solar leads',
    currency: 'USD',
    callMsMax: undefined,
    returnsCallers: false,
    routes: [],
    trackingUrls: everyTrackingUrl(),
    conversionGroups: [aPostbackGroup()],
    ...overrides,
  }
}

export function aBuyer(overrides: Partial<Buyer> = {}): Buyer {
  return {
    buyerId: 'solar-direct',
    name: 'Solar Direct',
    endpoint: 'sip:buyer@127.0.0.1',
    requestUri: 'sip:buyer@127.0.0.1',
    pingMs: undefined,
    auth: undefined,
    ringTimeoutMs: 5_000,
    setupTimeoutMs: 5_000,
    callMsMax: undefined,
    uuidFormat: 'standard',
    headers: [],
    passHeaders: [],
    paused: false,
    hours: undefined,
    caps: {
      concurrent: undefined,
      hourly: undefined,
      daily: undefined,
      monthly: undefined,
      total: undefined,
    },
    isTrusted: false,
    numbers: { format: 'e164', country: undefined, prefix: '', isMarked: false },
    ...overrides,
  }
}

/** Routing that tries these buyers in turn. */
export function routingTo(...buyers: readonly Buyer[]): RoutingRequest {
  return {
    routes: buyers.map(({ buyerId }, index) => ({
      buyerId,
      priority: index + 1,
      weight: 1,
      ringsTogether: false,
      filters: {},
    })),
    publisherId: 'acme-media',
    callerNumber: '+12125550100',
    findBuyer: (wanted) => buyers.find(({ buyerId }) => buyerId === wanted),
    isReachable: () => true,
    random: () => 0.5,
  }
}

/** A log that nobody reads. */
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** The flow on a test's database, with one campaign. */
export async function flowOn(
  database: Database,
  rules: CampaignRules = aCampaign(),
): Promise<FlowDeps> {
  await database.query(`insert into campaign_versions values ($1, 1, '{}')`, [rules.campaignId])
  return {
    database,
    campaignRules: async () => rules,
    names: () => ({ campaignName: rules.name, publisherName: 'Acme Media', buyerName: 'Solar' }),
    wakeDelivery: () => {},
    log: silent,
  }
}

/** A database of a test's own, and the flow on it, with one campaign. */
export async function openFlow(
  rules?: CampaignRules,
): Promise<{ readonly database: TestDatabase; readonly deps: FlowDeps }> {
  const database = await openTestDatabase()
  return { database, deps: await flowOn(database, rules) }
}

interface CallOptions {
  readonly callerNumber?: string
  readonly connectedMs?: number
  /** Buyers of the campaign that cannot take the call. */
  readonly leftOut?: readonly Buyer[]
}

/** Begins a call that rings at buyer `solar-direct`. */
export async function beginCall(
  deps: FlowDeps,
  { callerNumber = '+12125550100', leftOut = [] }: CallOptions = {},
): Promise<CallFacts> {
  const rules = await deps.campaignRules('solar', 1)
  const facts = {
    callUuid: uuidv7(),
    campaignId: rules.campaignId,
    campaignVersion: 1,
    publisherId: 'acme-media',
    subId: undefined,
    callerNumber,
    dialedNumber: '+18005550100',
    tags: {},
    ...NOT_YET_KNOWN,
  }
  const [begun] = await beginCalls(deps, [
    {
      facts,
      rules,
      processId: uuidv7(),
      trunkId: undefined,
      sipCallId: 'a@b',
      startedAgoMs: 0,
      routing: routingTo(...leftOut, aBuyer()),
    },
  ])
  if (!begun) throw new Error('no call was begun')
  return begun.facts
}

export async function bridgeCall(deps: FlowDeps, facts: CallFacts, leg = 1): Promise<void> {
  const rules = await deps.campaignRules('solar', 1)
  await bridgeCalls(deps, [
    {
      facts,
      rules,
      buyerId: 'solar-direct',
      leg: { leg, answeredAtMs: performance.now() },
      lost: [],
    },
  ])
}

export async function endCall(
  deps: FlowDeps,
  callUuid: string,
  connectedMs: number | undefined = 60_000,
): Promise<void> {
  await endCalls(deps, [
    {
      callUuid,
      endedAtMs: performance.now(),
      connectedMs,
      totalMs: 70_000,
      hungUpBy: 'caller',
      endReason: 'caller_hung_up',
      sipStatus: connectedMs === undefined ? 480 : 200,
      legs: [],
    },
  ])
}

/** A call that was bridged and has ended, and waits for a postback where its group is of that type. */
export async function anEndedCall(deps: FlowDeps, options: CallOptions = {}): Promise<string> {
  const facts = await beginCall(deps, options)
  await bridgeCall(deps, facts)
  await endCall(deps, facts.callUuid, options.connectedMs)
  return facts.callUuid
}

/** Posts `query` for a call, with the key of `leg`. */
export async function post(
  deps: FlowDeps,
  callUuid: string,
  query: string,
  leg = 1,
): Promise<PostbackReply> {
  const [reply] = await receivePostbacks(deps, [
    {
      callUuid,
      leg,
      text: { query, body: '' },
      source: '127.0.0.1',
      method: 'GET',
      isPrefetch: false,
    },
  ])
  if (!reply) throw new Error('no reply')
  return reply
}

/** What was queued for a call, as `trigger` or `trigger?amt`, in the order of firing. */
export async function queued(database: Database, callUuid: string): Promise<readonly string[]> {
  const { rows } = await database.query<{ trigger: string }>(
    `select trigger from deliveries join lanes using (call_uuid, tracking_url_id)
      where call_uuid = $1 order by queued_at, run_at, occurrence`,
    [callUuid],
  )
  return rows.map(({ trigger }) => trigger)
}

/** The ledger of a call, a line a decision. */
export async function ledger(database: Database, callUuid: string): Promise<readonly string[]> {
  const { rows } = await database.query<Record<string, string | null>>(
    `select kind, conversion, reason, round(revenue, 2) revenue, round(payout, 2) payout
       from settlements where call_uuid = $1 order by revision`,
    [callUuid],
  )
  return rows.map((row) =>
    Object.values(row)
      .filter((value) => value !== null)
      .join(' '),
  )
}
