import { z } from 'zod'
import type { CallState, HungUpBy } from '../../domain/call.ts'
import { SETTLED_IN_WORDS } from '../../domain/explain.ts'
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

export const settlementReason = z.enum(Object.keys(SETTLED_IN_WORDS) as SettlementReason[])

export const trigger = z.enum(TRIGGERS)
