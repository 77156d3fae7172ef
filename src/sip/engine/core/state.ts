import { randomUUID } from 'node:crypto'
import type { Application, Routes } from '../control/applications.ts'
import { answerPayload, cdrPayload, deliveryPayload } from '../control/messages.ts'
import type { DialogState } from '../dialog/dialog.ts'
import type { SessionTerms } from '../dialog/session-timer.ts'
import type { Guard } from '../guard.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { EngineLimits } from '../options.ts'
import type { TransactionLayer } from '../transaction/layer.ts'
import type { TimerValues } from '../transaction/timers.ts'
import type { ClientTransaction, ServerTransaction } from '../transaction/transactions.ts'
import type { TimerHandle, Wheel } from '../transaction/wheel.ts'
import type { HostResolver } from '../transport/resolve.ts'
import type { Hop, Listener, TransportName } from '../transport/transport.ts'
import type { SeenRequest } from './copies.ts'
import type { Counters } from './counters.ts'
import type { Repetition } from './repeat.ts'

/** Settings of a running engine, with every default filled in. */
export interface Settings {
  readonly timers: TimerValues
  /** How long a second of Session-Expires lasts: 1,000, less in tests. */
  readonly secondMs: number
  readonly graceMs: number
  readonly applicationPatienceMs: number
  readonly limits: EngineLimits
}

/**
 * Everything the engine knows: the user agent core that stands between transactions on one side
 * and applications on the other. Functions take it as their first argument.
 */
export interface Core {
  readonly settings: Settings
  readonly wheel: Wheel
  /** Runs what was waited for, so that what it throws is a fault and no end. */
  readonly run: (work: () => void) => void
  readonly transactions: TransactionLayer
  readonly routes: Routes
  readonly listeners: readonly Listener[]
  readonly guard: Guard
  readonly resolver: HostResolver
  readonly counters: Counters
  /** By id, early and confirmed ones. */
  readonly dialogs: Map<string, Dialog>
  /** Requests from the network that an application is to answer, by TXN. */
  readonly serverRequests: Map<string, ServerRequest>
  /** The TXN of the INVITE behind a server transaction, by the key of the transaction. */
  readonly txnByKey: Map<string, string>
  /**
   * Requests outside dialogs that are being answered or were refused, so that a second copy is noticed.
   */
  readonly requestsSeen: Map<string, SeenRequest>
  /** INVITEs of applications, by TXN, until nothing more can come for them. */
  readonly invitations: Map<string, Invitation>
  /** The latest INVITE of an application by the id of the dialog it makes or belongs to. */
  readonly invitationsByDialog: Map<string, Invitation>
  /** Requests of ours that wait for their final response, INVITEs excepted. */
  readonly clientRequests: Set<ClientRequest>
}

/** A dialog as the engine works with it. */
export interface Dialog {
  state: DialogState
  /**
   * `early` until the 2xx, `confirmed` until somebody hangs up, `closing` from our BYE to its
   * answer.
   */
  phase: 'early' | 'confirmed' | 'closing'
  readonly application: Application
  readonly listener: Listener
  /** Where the messages that made it came from or went to. */
  readonly flow: Hop
  /** The 2xx of ours that waits for its ACK. */
  answer: PendingAnswer | undefined
  /** INVITEs of ours whose 2xx waits for the application's ACK, oldest first. */
  readonly unacknowledged: Invitation[]
  /** The TXN of the INVITE from the other side that waits for a final response. */
  pendingInvite: string | undefined
  /** A BYE that waits for the ACK of our 2xx: before it, there is nothing to end. */
  heldBye: (() => void) | undefined
  /** Ends the dialog of a subscription that nobody refreshes; undefined for a call. */
  expiry: TimerHandle | undefined
  /** Its record says already that it has ended. */
  isStopRecorded: boolean
  /** Ends a call that nobody refreshes, or refreshes it; undefined if none was agreed on. */
  sessionTimer: SessionTimer | undefined
}

/** The timer of a call that expires unless it is refreshed. @see RFC 4028 */
export interface SessionTimer {
  readonly terms: SessionTerms
  /** What we offered or answered last, to be offered again; empty if that is not known. */
  localSdp: string
  /** The next refresh of ours, or the end. */
  handle: TimerHandle
  /** A refresh of ours waits for its final response. */
  isRefreshing: boolean
  /** What an application wants sent once the refresh is over. */
  readonly waiting: (() => void)[]
}

/** A 2xx that is repeated until its ACK arrives. */
export interface PendingAnswer {
  readonly serverRequest: ServerRequest
  readonly repetition: Repetition
}

/** A request from the network that an application has to answer. */
export interface ServerRequest {
  readonly txn: string
  readonly transaction: ServerTransaction
  readonly request: SipRequest
  readonly application: Application
  /** The dialog the request came in, or the one its answer would make. */
  readonly dialogId: string
  readonly inDialog: boolean
  dialog: Dialog | undefined
  /** The tag we answer with: the dialog's, or one made for this request. */
  localTag: string
  /** Runs while the application owes an answer. */
  silence: TimerHandle | undefined
  /** Its sender wants no answer any more. */
  isCancelled: boolean
  /** What was sent as final response to an INVITE, until its ACK. */
  final: string | undefined
  /** Provisional responses that are to arrive for certain, once there has been one. */
  reliable: Reliable | undefined
}

/** A response that waits for the PRACK of the one before it. */
export interface Waiting {
  readonly send: () => void
  /** Called instead if it will never be sent. */
  readonly drop: () => void
}

/** The reliable provisional responses to one INVITE. @see RFC 3262 §3 */
export interface Reliable {
  /** RSeq of the latest. */
  rseq: number
  /** The one that waits for its PRACK. */
  outstanding: { readonly rseq: number; readonly repetition: Repetition } | undefined
  /** What is to be sent when it has come: one response at a time. */
  readonly waiting: Waiting[]
}

/** A request of ours as it went out. */
export interface OutgoingRequest {
  readonly method: string
  readonly uri: string
  readonly cseq: number
  readonly branch: string
  readonly text: string
  readonly listener: Listener
  readonly target: Target
}

/** Where a request goes: a host still to be looked up, or an address. */
export interface Target {
  readonly host: string
  readonly port: number | undefined
  /** The host in the URI, where `maddr` names another to send to. */
  readonly domain?: string
  /** What DNS may choose from; undefined: the transport of the listener. */
  readonly transports?: readonly [TransportName, ...TransportName[]]
  /** The way that the dialog was made over. */
  readonly flow?: Way
  /** The place itself, where there is no choice. */
  readonly hop?: Hop
}

/** One way for a request to go. */
export interface Way {
  readonly hop: Hop
  readonly listener: Listener
}

/** A request of ours that waits for its final response. */
export interface ClientRequest {
  readonly txn: string
  /** Whose request it is; undefined for those that the engine sends by itself. */
  readonly application: Application | undefined
  readonly dialogId: string
  readonly dialog: Dialog | undefined
  /** Without its text once an INVITE is answered: nothing can ask for it then. */
  sent: OutgoingRequest
  transaction: ClientTransaction | undefined
}

/** An INVITE of an application. */
export interface Invitation extends ClientRequest {
  readonly localParty: string
  /**
   * Given for an INVITE of the engine's own, which it acknowledges itself: called with the final
   * response.
   */
  readonly onFinal: ((response: SipResponse) => void) | undefined
  phase: 'calling' | 'proceeding' | 'answered' | 'failed'
  /** A CANCEL waits for the first provisional response before it may be sent. */
  cancel: 'none' | 'held' | 'sent'
  cancelHeaders: readonly (readonly [string, string])[]
  /** Nobody wants the call any more: a 2xx is acknowledged and hung up at once. */
  abandoned: boolean
  /** The dialog of the first 2xx. */
  established: Dialog | undefined
  /** The early dialog that has ended because the call has not come about. */
  closedEarly: Dialog | undefined
  /** ACKs as they went out, by the To tag of their 2xx, to be repeated when that is. */
  acks: Map<string, SentAck> | undefined
  /** RSeq of the latest reliable provisional response of each fork, by its To tag. */
  reliable: Map<string, number> | undefined
  /** Ends a CANCEL that has no effect, or an answer nobody acknowledges. */
  deadline: TimerHandle | undefined
}

/** The ACK of a 2xx as it went out. */
export interface SentAck {
  readonly text: string
  readonly hop: Hop
  readonly listener: Listener
}

/** A new transaction id for applications. */
export function newTxn(): string {
  return randomUUID()
}

/** A request that the engine sends in a dialog by itself. */
export const ownRequest = (dialog: Dialog, sent: OutgoingRequest): ClientRequest => ({
  txn: newTxn(),
  application: undefined,
  dialogId: dialog.state.id,
  dialog,
  sent,
  transaction: undefined,
})

/** Tells an application that what it asked for was not done, and why. */
export function refuseApplication(application: Application, id: string, reason: string): void {
  application.send(answerPayload(id, 'NOK', reason))
}

/** Hands a request of the network to the application that answers it. */
export function deliverRequest(
  pending: Pick<ServerRequest, 'application' | 'txn'>,
  request: SipRequest,
  from: Hop,
  place: { readonly dialogId: string; readonly listener?: Listener },
): void {
  const { application, txn } = pending
  const { dialogId, listener } = place
  const receivedOn = listener ? { receivedOn: listener.sentBy } : {}
  const { text } = request
  application.send(
    deliveryPayload({ source: 'network', hop: from, txn, dialogId, text, ...receivedOn }),
  )
}

/** Sends an event of the call detail record to whoever asked for it. */
export function recordCall(
  core: Core,
  event: 'attempt' | 'start' | 'stop',
  source: 'network' | 'application',
  detail: string | undefined,
  text: string,
): void {
  for (const application of core.routes.all(`cdr:${event}`))
    application.send(cdrPayload(event, source, detail, text))
}
