import type { Sighting } from './endpoint-health.ts'
import { type LegFailure, readFailure, RING_TIMEOUT, SETUP_TIMEOUT } from './failure.ts'
import { reasonHeader } from './headers.ts'
import { inBackground, type OnFailure } from './in-background.ts'
import { createPersistentUac } from './persistent-uac.ts'
import type { Answer, Headers, ReceivedResponse, SipClient, Uac, UacOptions } from './srf.ts'

export type DialResult =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | {
      readonly kind: 'failed'
      readonly failure: LegFailure
      /** The buyer's final response; undefined when we stopped waiting for one. */
      readonly status: number | undefined
      /** What it shows of the buyer's host; undefined where it shows nothing. */
      readonly sighting: Sighting | undefined
    }
  /** The caller gave up first. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'server_lost' }

export interface Dialling {
  readonly uac: UacOptions
  readonly ringTimeoutMs: number
  /** How long to wait for the first sign of life; undefined where only the ring timeout counts. */
  readonly setupTimeoutMs: number | undefined
  /** Settles when the caller gives up, with the headers that the CANCEL should carry. */
  readonly givenUp: Promise<Headers>
  readonly onProvisional: (response: ReceivedResponse) => void
  readonly onFailure: OnFailure
}

/** Rings one buyer until it answers, fails, has rung long enough, or the caller gives up. */
export async function dial(
  client: Pick<SipClient, 'createUac'>,
  dialling: Dialling,
): Promise<DialResult> {
  const patience = startPatience(dialling)
  let hasRung = false
  const uac = createPersistentUac(client, dialling.uac, (response) => {
    hasRung = true
    patience.isAlive()
    dialling.onProvisional(response)
  })
  const givenUp = dialling.givenUp.then((headers) => ({ kind: 'given_up', headers }) as const)
  const first = await Promise.race([uac.outcome, patience.over, givenUp])
  patience.end()
  switch (first.kind) {
    case 'too_long':
      giveUp(uac, reasonHeader(480, 'No answer'), dialling.onFailure)
      return { ...first, kind: 'failed', status: undefined }
    case 'given_up':
      giveUp(uac, first.headers, dialling.onFailure)
      return { kind: 'cancelled' }
    case 'failed':
      return { kind: 'failed', status: first.status, ...readFailure(first, hasRung) }
    case 'answered':
    case 'server_lost':
      return first
  }
}

interface Patience {
  readonly over: Promise<{
    readonly kind: 'too_long'
    readonly failure: LegFailure
    readonly sighting: Sighting | undefined
  }>
  /** The buyer's side has shown that it is there. */
  readonly isAlive: () => void
  readonly end: () => void
}

/** Watches how long a buyer may stay silent, and how long it may ring. */
function startPatience({ ringTimeoutMs, setupTimeoutMs }: Dialling): Patience {
  const { promise, resolve } = Promise.withResolvers<Awaited<Patience['over']>>()
  const expire = (failure: LegFailure, sighting?: Sighting) => () =>
    resolve({ kind: 'too_long', failure, sighting })
  const ringing = setTimeout(expire(RING_TIMEOUT), ringTimeoutMs)
  const isSilent = expire(SETUP_TIMEOUT, { kind: 'silent' })
  const silent = setupTimeoutMs === undefined ? undefined : setTimeout(isSilent, setupTimeoutMs)
  return {
    over: promise,
    isAlive: () => clearTimeout(silent),
    end() {
      clearTimeout(ringing)
      clearTimeout(silent)
    },
  }
}

/** Cancels, and hangs up should the buyer's 200 cross the CANCEL. */
function giveUp(uac: Uac, headers: Headers, onFailure: OnFailure): void {
  uac.cancel(headers)
  inBackground(async () => {
    const outcome = await uac.outcome
    if (outcome.kind === 'answered') abandon(outcome.answer, headers)
  }, onFailure)
}

/** Hangs up a buyer who has answered a call that is not to be. */
export function abandon(answer: Answer, headers: Headers): void {
  switch (answer.kind) {
    case 'confirmed':
      return answer.dialog.hangUp(headers)
    case 'offer':
      return answer.abandon()
  }
}
