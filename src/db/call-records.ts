import type { CallState, HungUpBy } from '../domain/call.ts'
import type { LeftOutBuyers } from '../domain/left-out.ts'
import { DEFAULTS } from '../domain/configuration-defaults.ts'
import { type Amount, minorUnitDigits, parseDecimal, toAmount } from '../domain/money.ts'
import type { ConversionState, SettlementReason } from '../domain/settlement.ts'
import type { Queryable } from './queryable.ts'

/** A call as operators see it: its facts, the money as it stands, and the buyers that were tried. */
export interface CallOverview {
  readonly callUuid: string
  readonly state: CallState
  readonly conversion: ConversionState
  readonly reason: SettlementReason | null
  readonly campaignId: string
  readonly publisherId: string
  readonly subId: string | null
  readonly buyerId: string | null
  readonly callerNumber: string | null
  readonly dialedNumber: string
  readonly startedAt: Date
  readonly answeredAt: Date | null
  readonly endedAt: Date | null
  readonly connectedMs: number | null
  readonly totalMs: number | null
  readonly hungUpBy: HungUpBy | null
  readonly endReason: string | null
  readonly sipStatus: number | null
  readonly settleAt: Date | null
  readonly settledAt: Date | null
  readonly conversionName: string | null
  /** ISO 4217, of the rules that the call was begun under. */
  readonly currency: string
  readonly revenue: Amount | null
  readonly payout: Amount | null
  readonly postbackValue: string | null
  readonly late: boolean
  readonly duplicate: boolean
  readonly tags: Readonly<Record<string, string>>
  readonly legs: readonly LegOverview[]
}

/** A call with everything that its own row knows. */
export interface CallDetails extends CallOverview {
  /** In the order in which it was decided. */
  readonly leftOut: readonly LeftOutBuyers[]
}

/** One buyer that was tried. */
export interface LegOverview {
  readonly callUuid: string
  readonly leg: number
  readonly buyerId: string
  readonly endpoint: string
  readonly dialledAt: Date
  readonly ringingAt: Date | null
  readonly answeredAt: Date | null
  readonly endedAt: Date | null
  readonly sipStatus: number | null
  readonly fault: string | null
  readonly reason: string | null
}

/** Which calls to list; an absent filter matches every call. */
export interface CallFilters {
  readonly campaignId?: string | undefined
  readonly publisherId?: string | undefined
  readonly buyerId?: string | undefined
  readonly callerNumber?: string | undefined
  readonly state?: CallState | undefined
  /** Only calls whose UUID is this or higher; a UUID begins with its time. */
  readonly fromUuid?: string | undefined
  /** Only calls whose UUID is lower than this. */
  readonly beforeUuid?: string | undefined
}

/** Lower than every UUID, and higher than every one of version 7. */
const FIRST_UUID = '00000000-0000-0000-0000-000000000000'
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Of the rules that a call was begun under. */
const CURRENCY = `
  (select definition->>'currency' from campaign_versions
    where campaign_versions.campaign_id = calls.campaign_id and version = campaign_version)`

const OVERVIEW = `
  call_uuid "callUuid", state, conversion, reason, campaign_id "campaignId",
  publisher_id "publisherId", sub_id "subId", buyer_id "buyerId", caller_number "callerNumber",
  dialed_number "dialedNumber", started_at "startedAt", answered_at "answeredAt",
  ended_at "endedAt", connected_ms "connectedMs", total_ms "totalMs", hung_up_by "hungUpBy",
  end_reason "endReason", sip_status "sipStatus", settle_at "settleAt", settled_at "settledAt",
  conversion_name "conversionName", revenue, payout, postback_value "postbackValue", late, duplicate,
  tags, ${CURRENCY} "currency"`

interface WithCurrency {
  /** Null where the definition leaves the default out. */
  readonly currency: string | null
}
type OverviewRow = Omit<CallOverview, 'legs' | 'currency'> & WithCurrency

/**
 * The newest calls first. Both ends of the range are always bound, so that only the months that it
 * covers are read.
 */
export async function listCalls(
  db: Queryable,
  filters: CallFilters,
  limit: number,
): Promise<readonly CallOverview[]> {
  const { rows } = await db.query<OverviewRow>(
    `select ${OVERVIEW}
       from calls
      where call_uuid >= $1::uuid and call_uuid < $2::uuid
        and ($3::text is null or campaign_id = $3)
        and ($4::text is null or publisher_id = $4)
        and ($5::text is null or buyer_id = $5)
        and ($6::text is null or caller_number = $6)
        and ($7::text is null or state = $7)
      order by call_uuid desc
      limit $8`,
    [
      filters.fromUuid ?? FIRST_UUID,
      filters.beforeUuid ?? LAST_UUID,
      filters.campaignId,
      filters.publisherId,
      filters.buyerId,
      filters.callerNumber,
      filters.state,
      limit,
    ],
  )
  return withLegs(db, rows)
}

/** One call; undefined if there is none of this UUID. */
export async function findCall(db: Queryable, callUuid: string): Promise<CallDetails | undefined> {
  const { rows } = await db.query<OverviewRow & { readonly leftOut: readonly LeftOutRow[] }>(
    `select ${OVERVIEW}, left_out "leftOut" from calls where call_uuid = $1::uuid`,
    [callUuid],
  )
  const [call] = await withLegs(db, rows)
  const leftOut = rows[0]?.leftOut ?? []
  return call && { ...call, leftOut: leftOut.map((each) => ({ ...each, at: new Date(each.at) })) }
}

/** JSON knows no instants. */
type LeftOutRow = Omit<LeftOutBuyers, 'at'> & { readonly at: string }

async function withLegs(
  db: Queryable,
  rows: readonly OverviewRow[],
): Promise<readonly CallOverview[]> {
  if (rows.length === 0) return []
  const legs = await db.query<LegOverview>(
    `select call_uuid "callUuid", leg, buyer_id "buyerId", endpoint, dialled_at "dialledAt",
            ringing_at "ringingAt", answered_at "answeredAt", ended_at "endedAt",
            sip_status "sipStatus", fault, reason
       from legs where call_uuid = any($1::uuid[]) order by call_uuid, leg`,
    [rows.map(({ callUuid }) => callUuid)],
  )
  const byCall = Map.groupBy(legs.rows, ({ callUuid }) => callUuid)
  return rows.map(({ currency, ...call }) => ({
    ...call,
    currency: currency ?? DEFAULTS.rules.currency,
    ...formatMoney(call, currency),
    legs: byCall.get(call.callUuid) ?? [],
  }))
}

/** Amounts of one decision; null until it has converted. */
export interface Money {
  readonly revenue: Amount | null
  readonly payout: Amount | null
}

/**
 * The database keeps six decimals; people read as many as the currency has. Null is what the rules
 * leave out, {@link DEFAULTS.rules.currency}.
 */
export function formatMoney({ revenue, payout }: Money, currency: string | null): Money {
  const digits = minorUnitDigits(currency ?? DEFAULTS.rules.currency)
  return { revenue: format(revenue, digits), payout: format(payout, digits) }
}

function format(amount: Amount | null, digits: number): Amount | null {
  const exact = amount === null ? undefined : parseDecimal(amount)
  return exact ? toAmount(exact, digits) : null
}
