import { z } from 'zod'
import type { CallState, HungUpBy } from '../../domain/call.ts'
import type { ConversionState, SettlementReason } from '../../domain/settlement.ts'
import { TRIGGERS } from '../../domain/tracking-url.ts'

/** ISO 8601 in UTC once it is sent. */
export const instant = z.date()

/** Null until it has happened. */
export const instantOrNull = instant.nullable()

export const textOrNull = z.string().nullable()
export const wholeOrNull = z.int().nullable()

/** Exact decimal text with as many decimals as the currency has; null until there is a conversion. */
export const amountOrNull = z
  .string()
  .nullable()
  .describe('Exact decimal text; `null` until it has converted.')

export const callState = z.enum(['ringing', 'bridged', 'ended'] as const satisfies CallState[])

export const conversionState = z.enum([
  'undecided',
  'pending',
  'converted',
  'not_converted',
] as const satisfies ConversionState[])

export const hungUpBy = z.enum(['caller', 'buyer', 'bridge'] as const satisfies HungUpBy[])

/** Why a call was settled as it was, for people. @see behaviour B15 */
export const SETTLED_IN_WORDS: Readonly<Record<SettlementReason, string>> = {
  posted_revenue: 'The buyer posted back what the call was worth.',
  trigger: 'The buyer posted back a conversion trigger.',
  duration: 'Caller and buyer were connected long enough.',
  corrected: 'The buyer posted back another value.',
  reversed: 'The buyer took the conversion back.',
  not_connected: 'No buyer answered the call.',
  no_conversion_group: 'No conversion group of the campaign applies to this call.',
  too_short: 'Caller and buyer were not connected long enough.',
  no_postback: 'No postback that converts came before the postback timeout.',
  duplicate_caller: 'The same caller has converted before, inside the dedupe time.',
}

export const settlementReason = z.enum(Object.keys(SETTLED_IN_WORDS) as SettlementReason[])

export const trigger = z.enum(TRIGGERS)
