import type {
  BuyerDocument,
  ConversionGroupDocument,
  TrunkDocument,
} from '../src/domain/configuration-schema.ts'

/** One call story: who dials, who is dialled, and what must be true on every side afterwards. */
export interface Scenario {
  readonly name: string
  /** One sentence, for the table. */
  readonly proves: string
  /** What a drachtio-server does otherwise; the files let both pass. One sentence. */
  readonly differs?: string
  /** A file of `caller/`, without `.xml`. */
  readonly caller: `uac-${string}`
  /** The caller dials a number that nobody has. */
  readonly isNumberUnknown?: boolean
  /** The caller has an address of its own: that of no trunk, or of one with these settings. */
  readonly from?: 'stranger' | CallersTrunk
  /** In the order in which they are tried; none unless given. */
  readonly buyers?: readonly BuyerPart[]
  /** What is different from a plain campaign, which has no conversion group. */
  readonly configuration?: ScenarioConfiguration
  /** The response with which buyers refuse, as in `404 Not Found`: `[status]` in their files. */
  readonly refusal?: string
  /** How many calls are made, one after the other; 1 unless given. */
  readonly calls?: number
  /** How many of them reach each buyer, by its place; all unless given. */
  readonly buyerCalls?: readonly number[]
  /** A file of `data/` whose lines fill the fields of the caller's messages. */
  readonly injected?: string
  /** SIPp takes every copy of a message for a message of its own, and sends nothing again by itself. */
  readonly countsCopies?: boolean
  /** Sent in this order, each when its moment has come. */
  readonly postbacks?: readonly PostbackStep[]
  readonly expected: Expected
}

/**
 * A file of `buyer/` without `.xml`; `silent` takes every message and answers none; `not-called`
 * fails the scenario when anything reaches it; at `nobody` no program listens; `same-host` is
 * where the buyer before it is; `ourselves` leads back to the service.
 */
export type BuyerPart =
  `uas-${string}` | 'silent' | 'not-called' | 'nobody' | 'same-host' | 'ourselves'

export type CallersTrunk = Partial<Omit<TrunkDocument, 'id' | 'allow'>>

export interface ScenarioConfiguration {
  /** For each of the scenario's buyers. */
  readonly buyer?: Partial<Omit<BuyerDocument, 'id' | 'name' | 'endpoint'>>
  readonly groups?: readonly ConversionGroupDocument[]
  /** All buyers ring at the same time; else one after the other. */
  readonly ringTogether?: boolean
}

/** A request to `set_value`. */
export interface PostbackStep {
  readonly when: 'bridged' | 'ended' | 'settled'
  readonly query: string
  /** HTTP status, and `status` and `reason` of the body, as in `200 converted posted_revenue`. */
  readonly answer: string
  readonly key?: 'wrong'
}

export interface Expected extends ExpectedTraces {
  /** What the calls after the first leave behind; the same unless given. */
  readonly later?: ExpectedTraces
}

/** What a call leaves behind. */
export interface ExpectedTraces {
  /** What the API says of each call; absent where no call may come of it. */
  readonly call?: ExpectedCall
  /**
   * The requests that reach the tracking URLs for each call, in any order. The call's UUID and key are
   * checked and left out, the caller's number is written `caller`, a buyer as its place.
   */
  readonly requests: readonly string[]
}

export interface ExpectedCall {
  /** Which of the buyers got it. */
  readonly buyer: number | null
  readonly conversion: 'converted' | 'not_converted'
  readonly reason: string
  readonly hungUpBy: 'caller' | 'buyer' | 'bridge'
  readonly endReason: string
  readonly sipStatus: number
  readonly revenue: string | null
  readonly payout: string | null
  /** Each buyer that was tried, by its place: its SIP status, and why it failed. */
  readonly legs: readonly string[]
  /** The ledger: kind, conversion, and the amounts if there are any. */
  readonly ledger: readonly string[]
}
