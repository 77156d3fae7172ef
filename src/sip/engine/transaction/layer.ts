import type { SipRequest, SipResponse } from '../message/message.ts'
import { MAGIC_COOKIE, sentByKey } from '../message/via.ts'
import { type Hop, hopKey, type Listener } from '../transport/transport.ts'
import * as inviteClient from './invite-client.ts'
import * as inviteServer from './invite-server.ts'
import * as nonInviteClient from './non-invite-client.ts'
import * as nonInviteServer from './non-invite-server.ts'
import type { Context, Effect, Failure, TimerName, TimerValues } from './timers.ts'
import type { TimerHandle, Wheel } from './wheel.ts'

type ServerInput = inviteServer.Input | nonInviteServer.Input
type ClientInput = inviteClient.Input | nonInviteClient.Input

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
  onEnd: ((failure: Failure | undefined) => void) | undefined
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
}

/** At any time a transaction waits for at most one repetition and one end. */
interface TimerSlots {
  repeat: TimerHandle | undefined
  end: TimerHandle | undefined
}

/** All transactions of the engine. */
export interface TransactionLayer {
  readonly findServer: (key: string) => ServerTransaction | undefined
  readonly createServer: (parts: {
    readonly key: string
    readonly invite: boolean
    readonly hop: Hop
    readonly listener: Listener
  }) => ServerTransaction
  /** Gives a server transaction its response; `text` is repeated for as long as the RFC says. */
  readonly respond: (transaction: ServerTransaction, status: number, text: string) => void
  /** Feeds a retransmitted request or an ACK to its transaction. */
  readonly repeat: (transaction: ServerTransaction, type: 'retransmission' | 'ack') => void
  readonly createClient: (parts: {
    readonly branch: string
    readonly method: string
    readonly hop: Hop
    readonly listener: Listener
    readonly request: string
    readonly user: ClientUser
  }) => ClientTransaction
  /** Hands a response to its transaction; false if there is none. */
  readonly receiveResponse: (response: SipResponse, from: Hop) => boolean
  /** Ends every request that is under way to a hop that refuses it. */
  readonly failHop: (hop: Hop) => void
  /** Forgets a client transaction without a word to its user. */
  readonly abandon: (transaction: ClientTransaction) => void
  readonly sizes: () => { readonly server: number; readonly client: number }
}

/**
 * The key a request is matched by: branch, sent-by and method, an ACK counting as the INVITE it
 * acknowledges; for senders of RFC 2543, whose branch says nothing, the fields that must be equal.
 *
 * @see RFC 3261 §17.2.3
 */
export function serverKey(request: SipRequest, method: string): string {
  const { via } = request
  const counted = method === 'ACK' ? 'INVITE' : method
  if (via.branch.startsWith(MAGIC_COOKIE)) return `${via.branch} ${sentByKey(via)} ${counted}`
  const { sipCallId, fromTag, cseq, uri } = request
  return `${sipCallId} ${fromTag ?? ''} ${cseq} ${counted} ${sentByKey(via)} ${via.branch} ${uri}`
}

/** Builds the layer that carries out what the step functions of the four transactions decide. */
export function createTransactionLayer(timers: TimerValues, wheel: Wheel): TransactionLayer {
  const servers = new Map<string, ServerTransaction>()
  const clients = new Map<string, ClientTransaction>()
  const contexts = { reliable: { timers, reliable: true }, unreliable: { timers, reliable: false } }
  const contextOf = (listener: Listener): Context =>
    listener.reliable ? contexts.reliable : contexts.unreliable

  const startTimer = (slots: TimerSlots, effect: Timed, fire: (timer: TimerName) => void): void => {
    const { timer, afterMs } = effect
    const slot = isRepetition(timer) ? 'repeat' : 'end'
    slots[slot]?.cancel()
    slots[slot] = wheel.start(afterMs, () => {
      slots[slot] = undefined
      fire(timer)
    })
  }

  const endServer = (transaction: ServerTransaction, failure: Failure | undefined): void => {
    cancelTimers(transaction.slots)
    servers.delete(transaction.key)
    const { onEnd } = transaction
    transaction.onEnd = undefined
    onEnd?.(failure)
  }

  const feedServer = (transaction: ServerTransaction, input: ServerInput): void => {
    const [next, effects] = stepServer(transaction, input, contextOf(transaction.listener))
    transaction.state = next
    let failure: Failure | undefined
    for (const effect of effects) {
      if (effect.type === 'send_response')
        transaction.listener.send(transaction.response, transaction.hop)
      else if (effect.type === 'report') ({ failure } = effect)
      else if (effect.type === 'start_timer')
        startTimer(transaction.slots, effect, (timer) => {
          feedServer(transaction, { type: 'timer', timer } as ServerInput)
        })
    }
    if (next.name === 'terminated') endServer(transaction, failure)
    // A 2xx is repeated by the dialog: the transaction need not keep it.
    else if (next.name === 'accepted') transaction.response = ''
  }

  const endClient = (transaction: ClientTransaction): void => {
    cancelTimers(transaction.slots)
    transaction.state = { name: 'terminated' }
    if (clients.delete(transaction.key)) transaction.user.onEnd()
  }

  const carryOut = (
    transaction: ClientTransaction,
    effect: Effect,
    response: { readonly message: SipResponse; readonly from: Hop } | undefined,
  ): void => {
    const { listener, hop, user } = transaction
    switch (effect.type) {
      case 'send_request':
        listener.send(transaction.request, hop)
        break
      case 'send_ack':
        if (transaction.ack === '' && response) transaction.ack = user.composeAck(response.message)
        listener.send(transaction.ack, hop)
        break
      case 'deliver':
        if (response) user.onResponse(response.message, response.from)
        break
      case 'report':
        user.onFailure(effect.failure)
        break
      case 'start_timer':
        startTimer(transaction.slots, effect, (timer) => {
          feedClient(transaction, { type: 'timer', timer } as ClientInput, undefined)
        })
        break
      case 'send_response':
        break
    }
  }

  const feedClient = (
    transaction: ClientTransaction,
    input: ClientInput,
    response: { readonly message: SipResponse; readonly from: Hop } | undefined,
  ): void => {
    const [next, effects] = stepClient(transaction, input, contextOf(transaction.listener))
    const entered = next.name !== transaction.state.name
    transaction.state = next
    if (entered) leaveState(transaction, next.name)
    for (const effect of effects) carryOut(transaction, effect, response)
    if (transaction.state.name === 'terminated') endClient(transaction)
  }

  const leaveState = (transaction: ClientTransaction, entered: string): void => {
    if (entered === 'proceeding' && transaction.invite) cancelTimers(transaction.slots)
    if (entered === 'completed' || entered === 'accepted') {
      transaction.slots.repeat?.cancel()
      transaction.slots.repeat = undefined
      transaction.request = ''
    }
  }

  const createClient: TransactionLayer['createClient'] = (parts) => {
    const invite = parts.method === 'INVITE'
    const context = contextOf(parts.listener)
    const [state, effects] = invite ? inviteClient.begin(context) : nonInviteClient.begin(context)
    const transaction: ClientTransaction = {
      invite,
      state,
      hop: parts.hop,
      listener: parts.listener,
      user: parts.user,
      key: `${parts.branch} ${parts.method}`,
      request: parts.request,
      ack: '',
      slots: { repeat: undefined, end: undefined },
    }
    clients.set(transaction.key, transaction)
    parts.listener.watch(parts.hop)
    for (const effect of effects) carryOut(transaction, effect, undefined)
    return transaction
  }

  return {
    findServer: (key) => servers.get(key),
    createServer: ({ key, invite, hop, listener }) => {
      const state = invite ? inviteServer.INITIAL : nonInviteServer.INITIAL
      const slots: TimerSlots = { repeat: undefined, end: undefined }
      const transaction: ServerTransaction = {
        key,
        invite,
        hop,
        listener,
        state,
        slots,
        response: '',
        onEnd: undefined,
      }
      servers.set(key, transaction)
      return transaction
    },
    respond: (transaction, status, text) => {
      if (isOver(transaction.state.name)) return
      transaction.response = text
      feedServer(transaction, { type: 'respond', status })
    },
    repeat: (transaction, type) => {
      feedServer(transaction, { type })
    },
    createClient,
    receiveResponse: (message, from) => {
      const transaction = clients.get(`${message.via.branch} ${message.cseqMethod}`)
      if (!transaction) return false
      feedClient(transaction, { type: 'response', status: message.status }, { message, from })
      return true
    },
    failHop: (hop) => {
      const key = hopKey(hop)
      for (const transaction of clients.values())
        if (isUnanswered(transaction.state.name) && hopKey(transaction.hop) === key)
          feedClient(transaction, { type: 'transport_error' }, undefined)
    },
    abandon: endClient,
    sizes: () => ({ server: servers.size, client: clients.size }),
  }
}

type Timed = Extract<Effect, { type: 'start_timer' }>

function stepServer(
  { invite, state }: ServerTransaction,
  input: ServerInput,
  context: Context,
): readonly [ServerTransaction['state'], readonly Effect[]] {
  return invite
    ? inviteServer.step(state as inviteServer.State, input as inviteServer.Input, context)
    : nonInviteServer.step(state as nonInviteServer.State, input as nonInviteServer.Input, context)
}

function stepClient(
  { invite, state }: ClientTransaction,
  input: ClientInput,
  context: Context,
): readonly [ClientTransaction['state'], readonly Effect[]] {
  return invite
    ? inviteClient.step(state as inviteClient.State, input as inviteClient.Input, context)
    : nonInviteClient.step(state as nonInviteClient.State, input as nonInviteClient.Input, context)
}

function isRepetition(timer: TimerName): boolean {
  return timer === 'A' || timer === 'E' || timer === 'G'
}

function cancelTimers(slots: TimerSlots): void {
  slots.repeat?.cancel()
  slots.end?.cancel()
  slots.repeat = undefined
  slots.end = undefined
}

const isOver = (state: string): boolean =>
  state === 'completed' || state === 'confirmed' || state === 'accepted' || state === 'terminated'

const isUnanswered = (state: string): boolean => state === 'calling' || state === 'trying'
