import type { SipResponse } from '../message/message.ts'
import type { Hop, Listener } from '../transport/transport.ts'
import type * as inviteClient from './invite-client.ts'
import type * as inviteServer from './invite-server.ts'
import type * as nonInviteClient from './non-invite-client.ts'
import type * as nonInviteServer from './non-invite-server.ts'
import type { Context, Effect, Failure, TimerName } from './timers.ts'
import type { TimerHandle, Wheel } from './wheel.ts'

/** A request from the network that is being answered, or was lately. */
export interface ServerTransaction {
  readonly key: string
  readonly invite: boolean
  /** Where responses go. */
  readonly hop: Hop
  readonly listener: Listener
  state: inviteServer.State | nonInviteServer.State
  /** The response to repeat; empty before the first. */
  response: string
  /** Called once, when the transaction is forgotten. */
  onEnd: (() => void) | undefined
  readonly slots: TimerSlots
}

/** A request of ours that waits for its responses. */
export interface ClientTransaction {
  readonly key: string
  readonly invite: boolean
  readonly hop: Hop
  readonly listener: Listener
  state: inviteClient.State | nonInviteClient.State
  /** The request to repeat; given up once a final response is there. */
  request: string
  /** The acknowledgement of a final response that is not a 2xx. */
  ack: string
  readonly user: ClientUser
  readonly slots: TimerSlots
}

/** Who a client transaction reports to. */
export interface ClientUser {
  readonly onResponse: (response: SipResponse, from: Hop) => void
  readonly onFailure: (failure: Failure) => void
  /** Composes the acknowledgement of a final response that is not a 2xx. INVITE only. */
  readonly composeAck: (response: SipResponse) => string
  readonly onEnd: () => void
  /** The request has failed and goes to another place: nothing has been heard of it any more. */
  readonly onRetry?: () => void
}

/** At any time a transaction waits for at most one repetition and one end. */
export interface TimerSlots {
  repeat: TimerHandle | undefined
  end: TimerHandle | undefined
}

/** What both halves of the transaction layer work on. */
export interface Tables {
  readonly servers: Map<string, ServerTransaction>
  readonly clients: Map<string, ClientTransaction>
  readonly wheel: Wheel
  readonly contexts: { readonly reliable: Context; readonly unreliable: Context }
}

/** The effect that starts a timer. */
export type TimerEffect = Extract<Effect, { type: 'start_timer' }>

/** What the step functions have to know about the listener of a transaction. */
export function contextOf({ contexts }: Tables, listener: Listener): Context {
  return listener.reliable ? contexts.reliable : contexts.unreliable
}

/** Starts a timer of a transaction in place of the one of its kind that ran before. */
export function startTimer(
  { wheel }: Tables,
  slots: TimerSlots,
  { afterMs, timer }: TimerEffect,
  fire: (timer: TimerName) => void,
): void {
  const slot = timer === 'A' || timer === 'E' || timer === 'G' ? 'repeat' : 'end'
  slots[slot]?.cancel()
  slots[slot] = wheel.start(afterMs, () => {
    slots[slot] = undefined
    fire(timer)
  })
}

/** Stops both timers of a transaction. */
export function stopTimers(slots: TimerSlots): void {
  slots.repeat?.cancel()
  slots.end?.cancel()
  slots.repeat = undefined
  slots.end = undefined
}
