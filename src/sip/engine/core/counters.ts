import { TRANSPORT_COUNTER_NAMES } from '../transport/counters.ts'
import { REFUSAL_COUNTER_NAMES } from './refusal-counters.ts'

/** What the engine counts; every name is one metric. */
const COUNTER_NAMES = [
  'requestsReceived',
  'responsesReceived',
  'messagesDropped',
  /** New requests, and what nobody can read. */
  'messagesOfBannedSources',
  'requestsRefused',
  'requestsLimited',
  'sourcesBanned',
  /** More dialogs or transactions than the engine holds. */
  'callsBeyondLimit',
  'callsIn',
  'callsOut',
  'callsAnsweredIn',
  'callsAnsweredOut',
  'ackTimeouts',
  /** To INVITEs that had been given up. */
  'answersTooLate',
  'forksHungUp',
  'callsHungUp',
  'applicationsGone',
  'faults',
  ...REFUSAL_COUNTER_NAMES,
  ...TRANSPORT_COUNTER_NAMES,
] as const

type CounterName = (typeof COUNTER_NAMES)[number]

/** Counts since the engine was started. */
export type Counters = Record<CounterName, number>

/** All counters at zero. */
export function createCounters(): Counters {
  return Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0])) as Counters
}
