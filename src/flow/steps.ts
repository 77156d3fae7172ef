import { v7 as uuidv7 } from 'uuid'
import { createBatcher } from '../db/batch.ts'
import { readClock } from '../db/clock.ts'
import { insertRefusals } from '../db/postbacks.ts'
import type { PostbackText } from '../domain/postback.ts'
import { type BegunCall, beginCalls, type CallBeginning } from './begin-call.ts'
import { type Bridging, bridgeCalls } from './bridge-call.ts'
import { type DialledRound, dialNextRounds, type NextRound } from './dial-leg.ts'
import { type CallEnd, endCalls } from './end-call.ts'
import type { FlowDeps } from './flow-deps.ts'
import { keepTrying } from './keep-trying.ts'
import { type PostbackReply, type PostbackRequest, receivePostbacks } from './receive-postback.ts'

/** A request to `set_value` that was turned away before it was looked at. */
export interface Refusal {
  readonly callUuid: string
  readonly text: PostbackText
  readonly source: string
  readonly method: string
  readonly httpStatus: number
  readonly reason: string
}

/**
 * The steps of the flow for one call at a time. What many calls ask for at the same moment is stored with
 * one commit; nobody is told that something is stored before it is.
 */
export interface Steps {
  readonly beginCall: (beginning: CallBeginning) => Promise<BegunCall>
  readonly dialNextRound: (next: NextRound) => Promise<DialledRound>
  readonly bridgeCall: (bridging: Bridging) => Promise<void>
  readonly endCall: (end: CallEnd) => Promise<void>
  readonly receivePostback: (request: PostbackRequest) => Promise<PostbackReply>
  readonly recordRefusal: (refusal: Refusal) => void
}

const BATCH = { sizeMax: 200, concurrency: 2 }
/** On two processors a third batch is prepared while two are stored; `bench set-value` measures it. */
const POSTBACK_BATCH = { sizeMax: 300, concurrency: 3 }
const REFUSALS_WAITING_MAX = 1_000

/** @param signal ends the tries to store facts that have happened, once the process has to go */
export function createSteps(deps: FlowDeps, signal: AbortSignal): Steps {
  const begin = createBatcher({
    ...BATCH,
    run: (items: readonly CallBeginning[]) => beginCalls(deps, items),
  })
  const dial = createBatcher({
    ...BATCH,
    run: (items: readonly NextRound[]) => dialNextRounds(deps, items),
  })
  const bridge = createBatcher({
    ...BATCH,
    run: (items: readonly Bridging[]) => bridgeCalls(deps, items).then(() => items),
  })
  const end = createBatcher({
    ...BATCH,
    run: (items: readonly CallEnd[]) => endCalls(deps, items).then(() => items),
  })
  const receive = createBatcher({
    ...POSTBACK_BATCH,
    run: (items: readonly PostbackRequest[]) => receivePostbacks(deps, items),
  })

  const storeForCertain = async (fact: string, callUuid: string, work: () => Promise<unknown>) => {
    const onFailure = (error: unknown) =>
      deps.log.warn('fact.not_stored_yet', { fact, call_uuid: callUuid, error })
    const isStored = await keepTrying(work, { signal, onFailure })
    if (!isStored) deps.log.error('fact.given_up', { fact, call_uuid: callUuid })
  }

  return {
    beginCall: begin.add,
    dialNextRound: dial.add,
    bridgeCall: (bridging) =>
      storeForCertain('bridged', bridging.facts.callUuid, () => bridge.add(bridging)),
    endCall: (ending) => storeForCertain('ended', ending.callUuid, () => end.add(ending)),
    receivePostback: receive.add,
    recordRefusal: createRefusalRecorder(deps),
  }
}

/** Stores refusals beside everything else, and drops some rather than let strangers fill the memory. */
function createRefusalRecorder(deps: FlowDeps): (refusal: Refusal) => void {
  let waiting = 0
  const recorder = createBatcher({
    sizeMax: REFUSALS_WAITING_MAX,
    concurrency: 1,
    run: async (refusals: readonly Refusal[]) => {
      const receivedAt = await readClock(deps.database)
      const rows = refusals.map((refusal) => ({
        ...refusal,
        postbackId: uuidv7(),
        receivedAt,
        leg: undefined,
        status: 'refused',
        revenueText: undefined,
        txid: undefined,
      }))
      await insertRefusals(deps.database, rows)
      return rows
    },
  })
  return (refusal) => {
    if (waiting >= REFUSALS_WAITING_MAX) return
    waiting++
    void recorder
      .add(refusal)
      .catch((error: unknown) => deps.log.warn('refusal.not_stored', { error }))
      .finally(() => waiting--)
  }
}
