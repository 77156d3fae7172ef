import type { SipResponse } from '../message/message.ts'
import { type Hop, hopKey, type Listener } from '../transport/transport.ts'
import * as inviteClient from './invite-client.ts'
import * as nonInviteClient from './non-invite-client.ts'
import type { Context, Effect } from './timers.ts'
import {
  type ClientTransaction,
  type ClientUser,
  contextOf,
  startTimer,
  stopTimers,
  type Tables,
} from './transactions.ts'

type Input = inviteClient.Input | nonInviteClient.Input

/** What a client transaction is made of. */
export interface ClientParts {
  readonly branch: string
  readonly method: string
  readonly hop: Hop
  readonly listener: Listener
  readonly request: string
  readonly user: ClientUser
}

interface Received {
  readonly message: SipResponse
  readonly from: Hop
}

/** Sends a request and waits for its responses. */
export function createClient(tables: Tables, parts: ClientParts): ClientTransaction {
  const { branch, hop, listener, method, request, user } = parts
  const invite = method === 'INVITE'
  const context = contextOf(tables, listener)
  const [state, effects] = invite ? inviteClient.begin(context) : nonInviteClient.begin(context)
  const transaction: ClientTransaction = {
    key: `${branch} ${method}`,
    invite,
    hop,
    listener,
    state,
    request,
    ack: '',
    user,
    slots: { repeat: undefined, end: undefined },
  }
  tables.clients.set(transaction.key, transaction)
  listener.watch(hop)
  for (const effect of effects) carryOut(tables, transaction, effect, undefined)
  return transaction
}

/** Hands a response to its transaction; false if there is none. @see RFC 3261 §17.1.3 */
export function receiveResponse(tables: Tables, message: SipResponse, from: Hop): boolean {
  const transaction = tables.clients.get(`${message.via.branch} ${message.cseqMethod}`)
  if (!transaction) return false
  feedClient(tables, transaction, { type: 'response', status: message.status }, { message, from })
  return true
}

/** Ends every request that is still unanswered on its way to a hop that refuses it. */
export function failHop(tables: Tables, hop: Hop): void {
  const key = hopKey(hop)
  for (const transaction of tables.clients.values())
    if (isUnanswered(transaction) && hopKey(transaction.hop) === key)
      feedClient(tables, transaction, { type: 'transport_error' }, undefined)
}

function isUnanswered({ state }: ClientTransaction): boolean {
  return state.name === 'calling' || state.name === 'trying'
}

/** Stops waiting for the final response of an INVITE, but for an answer that has to be hung up. */
export function giveUp(tables: Tables, transaction: ClientTransaction): void {
  if (transaction.invite) feedClient(tables, transaction, { type: 'give_up' }, undefined)
}

/** Forgets a client transaction; its user hears that it has ended and nothing else. */
export function endClient(tables: Tables, transaction: ClientTransaction): void {
  stopTimers(transaction.slots)
  transaction.state = { name: 'terminated' }
  if (tables.clients.delete(transaction.key)) transaction.user.onEnd()
}

function feedClient(
  tables: Tables,
  transaction: ClientTransaction,
  input: Input,
  received: Received | undefined,
): void {
  const before = transaction.state.name
  const [next, effects] = step(transaction, input, contextOf(tables, transaction.listener))
  transaction.state = next
  if (next.name !== before) tidyOnEntering(transaction, next.name)
  for (const effect of effects) carryOut(tables, transaction, effect, received)
  if (transaction.state.name === 'terminated') endClient(tables, transaction)
}

/** Timers and texts that the new state has no use for. */
function tidyOnEntering(transaction: ClientTransaction, entered: string): void {
  const { invite, slots } = transaction
  if (entered === 'proceeding' && invite) stopTimers(slots)
  if (entered !== 'completed' && entered !== 'accepted' && entered !== 'given_up') return
  slots.repeat?.cancel()
  slots.repeat = undefined
  transaction.request = ''
}

function carryOut(
  tables: Tables,
  transaction: ClientTransaction,
  effect: Effect,
  received: Received | undefined,
): void {
  const { hop, listener, user } = transaction
  switch (effect.type) {
    case 'send_request':
      listener.send(transaction.request, hop)
      break
    case 'send_ack':
      if (transaction.ack === '' && received) transaction.ack = user.composeAck(received.message)
      listener.send(transaction.ack, hop)
      break
    case 'deliver':
      if (received) user.onResponse(received.message, received.from)
      break
    case 'report':
      user.onFailure(effect.failure)
      break
    case 'start_timer':
      startTimer(tables, transaction.slots, effect, (timer) => {
        feedClient(tables, transaction, { type: 'timer', timer } as Input, undefined)
      })
      break
    case 'send_response':
      break
  }
}

function step(
  { invite, state }: ClientTransaction,
  input: Input,
  context: Context,
): readonly [ClientTransaction['state'], readonly Effect[]] {
  return invite
    ? inviteClient.step(state as inviteClient.State, input as inviteClient.Input, context)
    : nonInviteClient.step(state as nonInviteClient.State, input as nonInviteClient.Input, context)
}
