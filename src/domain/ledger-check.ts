import { wholeSeconds } from './call.ts'
import type { CampaignRules } from './campaign.ts'
import type { ConversionGroup } from './conversion-group.ts'
import { type LedgerEntry, sixDecimals } from './ledger.ts'
import { minorUnitDigits } from './money.ts'
import { parsePostback, type Postback, type PostbackText } from './postback.ts'
import { decideReplay } from './replay.ts'
import {
  applyDecision,
  decideAtHangup,
  decideAtTimeout,
  type Decision,
  NOTHING_DECIDED,
  type SettlementFacts,
  type SettlementState,
} from './settlement.ts'
import { decidePostback } from './settlement-postback.ts'

/** How far a call's ledger has been derived again. */
export interface LedgerReplay {
  readonly state: SettlementState
  readonly appliedTxids: readonly string[]
  readonly decidedAt: string | undefined
}

/** Before a call's first entry. */
export const NO_ENTRIES: LedgerReplay = {
  state: NOTHING_DECIDED,
  appliedTxids: [],
  decidedAt: undefined,
}

/** What an entry is derived from, besides the entries before it. */
export interface EntrySource {
  readonly rules: CampaignRules
  /** The postback that it names; undefined if it names none, or one that is not there. */
  readonly postback: PostbackText | undefined
}

/** The replay with the entry in it, or what is wrong with the entry, in words. */
export type CheckedEntry =
  | { readonly kind: 'right'; readonly replay: LedgerReplay }
  | { readonly kind: 'wrong'; readonly problem: string }

/**
 * Derives an entry again, from the facts that it names, with the functions that decided it, and compares.
 * Facts that the ledger itself witnesses are taken from it: that an earlier call of the same caller had
 * converted, and that no limit for late conversions had passed.
 */
export function checkEntry(
  replay: LedgerReplay,
  entry: LedgerEntry,
  source: EntrySource,
): CheckedEntry {
  const wrong = (problem: string): CheckedEntry => ({ kind: 'wrong', problem })
  if (entry.revision !== replay.state.revision + 1) {
    return wrong(`revision ${replay.state.revision + 1} is missing`)
  }
  if (replay.decidedAt !== undefined && entry.decided_at < replay.decidedAt) {
    return wrong('is earlier than the entry before it')
  }
  const derived = derive(replay, entry, source)
  if (typeof derived === 'string') return wrong(derived)
  const { decision, postback } = derived
  const difference = findDifference(entry, decision)
  if (difference !== undefined) return wrong(difference)
  const txids = postback?.txid === undefined ? [] : [postback.txid]
  return {
    kind: 'right',
    replay: {
      state: applyDecision(replay.state, decision),
      appliedTxids: [...replay.appliedTxids, ...txids],
      decidedAt: entry.decided_at,
    },
  }
}

interface Derived {
  readonly decision: Decision
  readonly postback?: Postback
}

function derive(
  replay: LedgerReplay,
  entry: LedgerEntry,
  { rules, postback: text }: EntrySource,
): Derived | string {
  const group = rules.conversionGroups.find(({ groupId }) => groupId === entry.group_id)
  if (entry.group_id !== null && !group) return `names group ${entry.group_id}, which is not there`
  const facts: SettlementFacts = {
    digits: minorUnitDigits(rules.currency),
    hasEarlierConversion: entry.reason === 'duplicate_caller',
    appliedTxids: replay.appliedTxids,
    isAfterLateLimit: false,
  }
  if (entry.replay_id !== null) return deriveReplayed(replay, entry, { group, facts, text })
  if (entry.postback_id === null) return deriveAlone(replay, entry, group, facts)
  if (!text) return `names postback ${entry.postback_id}, which is not there`
  const parsed = parsePostback(text)
  if (parsed.kind === 'malformed') return `rests on a postback that is malformed: ${parsed.reason}`
  const { state } = replay
  const before: SettlementState = state.revision === 0 ? { ...state, conversion: 'pending' } : state
  const { decision, reason } = decidePostback(group, before, parsed.postback, facts)
  if (!decision) return `rests on a postback that decides nothing: ${reason}`
  return { decision, postback: parsed.postback }
}

interface ReplaySource {
  readonly group: ConversionGroup | undefined
  readonly facts: SettlementFacts
  readonly text: PostbackText | undefined
}

/**
 * Settled anew: from the postback that it names, as if that had been the only one, or from the hang-up. What
 * was taken back is worth nothing, whatever took it back.
 */
function deriveReplayed(
  { state }: LedgerReplay,
  entry: LedgerEntry,
  { group, facts, text }: ReplaySource,
): Derived | string {
  if (entry.reason === 'reversed') return deriveReversal(entry)
  const parsed = text && parsePostback(text)
  const pending: SettlementState = { ...NOTHING_DECIDED, conversion: 'pending' }
  const would =
    parsed?.kind === 'postback'
      ? decidePostback(group, pending, parsed.postback, { ...facts, appliedTxids: [] }).decision
      : decideAtHangup(group, wholeSeconds(entry.connected_ms ?? undefined), facts)
  if (!would || would === 'pending') return 'rests on nothing that decides'
  const { conversion } = would
  const rehearsed = { conversion, decision: would }
  const decision = decideReplay(state, rehearsed, entry.steps[0] ?? '', facts.digits)
  return decision ? { decision } : 'adds nothing that the rules ask for'
}

function deriveReversal(entry: LedgerEntry): Derived | string {
  if (Number(entry.revenue) !== 0 || Number(entry.payout) !== 0) return 'takes back and is not zero'
  return { decision: { ...decisionOf(entry), kind: 'adjustment', conversion: 'converted' } }
}

const decisionOf = (entry: LedgerEntry): Decision => ({
  kind: entry.kind,
  conversion: entry.conversion,
  reason: entry.reason,
  groupId: entry.group_id ?? undefined,
  conversionName: entry.conversion_name ?? undefined,
  basis: entry.basis ?? undefined,
  revenue: entry.revenue ?? undefined,
  payout: entry.payout ?? undefined,
  payoutClamped: entry.payout_clamped,
  postbackValue: entry.postback_value ?? undefined,
  late: entry.late,
  duplicate: entry.duplicate,
  steps: entry.steps,
  triggers: ['adjusted'],
})

/** Decided without a postback: at the end of the call, or because none came. */
function deriveAlone(
  { state }: LedgerReplay,
  entry: LedgerEntry,
  group: ConversionGroup | undefined,
  facts: SettlementFacts,
): Derived | string {
  if (state.revision > 0) return 'names no postback, and is not the first'
  const seconds = wholeSeconds(entry.connected_ms ?? undefined)
  const atHangup = decideAtHangup(group, seconds, facts)
  if (atHangup !== 'pending') return { decision: atHangup }
  return findEarlySettlement(entry, group) ?? { decision: decideAtTimeout(group) }
}

/** Nobody's wait ends before its time. @see behaviour B10 */
function findEarlySettlement(
  { ended_at, settle_at, decided_at }: LedgerEntry,
  group: ConversionGroup | undefined,
): string | undefined {
  if (group?.kind !== 'postback' || ended_at === null) return 'waits for no postback'
  const timeoutMs = group.postbackTimeoutSeconds * 1000
  if (timeoutMs === 0) return undefined
  if (settle_at === null || Date.parse(settle_at) - Date.parse(ended_at) !== timeoutMs) {
    return `does not wait ${group.postbackTimeoutSeconds} s from the end of the call`
  }
  return decided_at < settle_at ? `was decided before ${settle_at}` : undefined
}

function findDifference(entry: LedgerEntry, decision: Decision): string | undefined {
  const isSame =
    entry.kind === decision.kind &&
    entry.conversion === decision.conversion &&
    entry.reason === decision.reason &&
    entry.group_id === (decision.groupId ?? null) &&
    entry.conversion_name === (decision.conversionName ?? null) &&
    entry.basis === (decision.basis ?? null) &&
    sixDecimals(entry.revenue) === sixDecimals(decision.revenue ?? null) &&
    sixDecimals(entry.payout) === sixDecimals(decision.payout ?? null) &&
    entry.payout_clamped === decision.payoutClamped &&
    entry.postback_value === (decision.postbackValue ?? null) &&
    entry.late === decision.late &&
    entry.duplicate === decision.duplicate &&
    entry.steps.join('\n') === decision.steps.join('\n')
  if (isSame) return undefined
  const { conversion, revenue, payout, reason } = decision
  const amounts = revenue === undefined ? '' : ` with ${revenue} and ${payout ?? ''}`
  return `does not follow from its facts, which make it ${conversion}${amounts} (${reason})`
}
