import { atLeast, none, type Verdict } from '../faults/verdict.ts'
import type { PhoneCall } from './outcomes.ts'

/** A time without an application. */
export interface Outage {
  /** Right before it was killed. */
  readonly killedAtMs: number
  /** Right after the engine was known to route calls to the next one. */
  readonly backAtMs: number
}

/** What was seen of a soak. */
export interface SoakRecord {
  /** How many calls the caller was to make. */
  readonly planned: number
  readonly callerCalls: readonly PhoneCall[]
  readonly buyerCalls: readonly PhoneCall[]
  readonly outages: readonly Outage[]
  /** What the engine wrote last, if it has died. */
  readonly engineDeath: string | undefined
  /** Errors that the engine survived and nobody foresaw. */
  readonly faults: number
  readonly firstFault: string | undefined
  /** What is in the engine's tables after the rest. */
  readonly leftovers: readonly string[]
  /** How applications ended that nobody killed. */
  readonly applicationDeaths: readonly string[]
  /** Whether the engine stopped hearing one of the hostile senders. */
  readonly sourcesBanned: number
  /** Heap before and after the calls, once every table was empty; undefined where it was not measured. */
  readonly heap: { readonly beforeBytes: number; readonly afterBytes: number } | undefined
}

/** As little as the code that is compiled meanwhile may take, spread over the calls of a long run. */
const HEAP_BYTES_PER_CALL_MAX = 64

/** Compares what was seen with what the engine promises. Pure. */
export function judgeSoak(record: SoakRecord): readonly Verdict[] {
  const { planned, callerCalls, buyerCalls, outages } = record
  return [
    atLeast('calls', planned, callerCalls.length),
    none('failed_calls', callerCalls.filter(isUnfinished).map(describe)),
    none(
      'failed_without_a_kill',
      callerCalls
        .filter((call) => isCutOrRefused(call) && !isOfOutage(call, outages))
        .map(describe),
    ),
    none('lost_dialogs', buyerCalls.filter(isUnfinished).map(describe)),
    none('left_in_tables', record.leftovers),
    none('engine_deaths', record.engineDeath === undefined ? [] : [record.engineDeath]),
    {
      invariant: 'faults',
      expected: 0,
      seen: record.faults,
      ok: record.faults === 0,
      example: record.firstFault,
    },
    none('application_deaths', record.applicationDeaths),
    atLeast('sources_banned', 1, record.sourcesBanned),
    ...judgeHeap(record),
  ]
}

/** Calls that a kill has ended, however many there are: not a promise, but what the run was like. */
export function countCut({ callerCalls }: Pick<SoakRecord, 'callerCalls'>): number {
  return callerCalls.filter(isCutOrRefused).length
}

const isUnfinished = ({ outcome }: PhoneCall): boolean => outcome === undefined

const isCutOrRefused = ({ outcome }: PhoneCall): boolean =>
  outcome !== undefined && outcome.name !== 'talked'

/**
 * Whether a call was alive while there was no application. All of those fail: who is up when the
 * application dies is hung up, who calls before the next one is there is refused. No other may.
 */
function isOfOutage({ beganAtMs, outcome }: PhoneCall, outages: readonly Outage[]): boolean {
  const endedAtMs = outcome?.atMs ?? Infinity
  return outages.some(
    ({ killedAtMs, backAtMs }) => beganAtMs <= backAtMs && endedAtMs >= killedAtMs,
  )
}

function judgeHeap({ heap, planned }: SoakRecord): readonly Verdict[] {
  if (!heap) return []
  const seen = Math.round((heap.afterBytes - heap.beforeBytes) / planned)
  const example = `${heap.beforeBytes} bytes before, ${heap.afterBytes} after`
  const expected = HEAP_BYTES_PER_CALL_MAX
  return [{ invariant: 'heap_bytes_per_call', expected, seen, ok: seen <= expected, example }]
}

function describe({ sipCallId, beganAtMs, outcome }: PhoneCall): string {
  const began = `${sipCallId} began at ${new Date(beganAtMs).toISOString()}`
  if (!outcome) return `${began} and never ended`
  return `${began} and was ${outcome.name} at ${new Date(outcome.atMs).toISOString()}`
}
