import { dialogIdOf } from '../dialog/dialog.ts'
import type { SipRequest } from '../message/message.ts'
import type { ServerTransaction } from '../transaction/transactions.ts'
import { decideCopy, forgetCopy, identityOf } from './copies.ts'
import { giveUpWaiting, respondTrying } from './own-answer.ts'
import { newTag } from './identifiers.ts'
import { answerStatelessly, type Arrival, responseHop } from './refuse.ts'
import { type Core, deliverRequest, newTxn, recordCall, type ServerRequest } from './state.ts'

/** A request outside dialogs: it goes to an application that routes its method, or is refused. */
export function receiveInitial(
  core: Core,
  request: SipRequest,
  key: string,
  arrival: Arrival,
): void {
  const { method } = request
  if (isWithoutDialog(method)) {
    answerStatelessly(core, request, arrival, { status: 481 })
    return
  }
  const copy = decideCopy(core, request)
  if (copy) {
    answerStatelessly(core, request, arrival, copy)
    return
  }
  const isBeyondLimit = isFull(core)
  if (isBeyondLimit) core.counters.callsBeyondLimit++
  const application = isBeyondLimit ? undefined : core.routes.pick(method.toLowerCase())
  if (!application) {
    const headers = method === 'INVITE' ? ([['Retry-After', '5']] as const) : []
    answerStatelessly(core, request, arrival, { status: 503, headers })
    return
  }
  const pending = acceptRequest(core, request, key, { arrival, application })
  const identity = identityOf(request)
  core.requestsSeen.set(identity, { refusal: undefined })
  onEndOfInitial(core, pending.transaction, identity)
  deliverRequest(pending, request, arrival.from, { dialogId: '', listener: arrival.listener })
  if (method === 'INVITE') {
    core.counters.callsIn++
    recordCall(core, 'attempt', 'network', undefined, request.text)
  }
}

/** These only make sense for a dialog, and a request without To tag belongs to none. */
function isWithoutDialog(method: string): boolean {
  return method === 'BYE' || method === 'UPDATE' || method === 'PRACK'
}

function isFull(core: Core): boolean {
  const { limits } = core.settings
  const { server, client } = core.transactions.sizes()
  return core.dialogs.size >= limits.dialogs || server + client >= limits.transactions
}

/** Opens the transaction of a request and remembers that its application owes an answer. */
export function acceptRequest(
  core: Core,
  request: SipRequest,
  key: string,
  place: Pick<ServerRequest, 'application'> & {
    readonly arrival: Arrival
    readonly dialog?: ServerRequest['dialog']
  },
): ServerRequest {
  const { application, arrival, dialog } = place
  const invite = request.method === 'INVITE'
  const transaction = core.transactions.createServer({
    key,
    invite,
    hop: responseHop(request.via, arrival.from),
    listener: arrival.listener,
  })
  const pending: ServerRequest = {
    txn: newTxn(),
    transaction,
    request,
    application,
    dialogId: dialog?.state.id ?? dialogIdOf(request.sipCallId, request.fromTag ?? ''),
    inDialog: dialog !== undefined,
    dialog,
    localTag: dialog?.state.localTag ?? newTag(),
    silence: undefined,
    isCancelled: false,
    final: undefined,
    reliable: undefined,
  }
  core.serverRequests.set(pending.txn, pending)
  core.txnByKey.set(key, pending.txn)
  forgetAtEnd(core, pending.txn, transaction)
  const patienceMs = invite ? core.settings.applicationPatienceMs : 56 * core.settings.timers.t1Ms // answered before the other side's timer F of 64·T1
  pending.silence = core.wheel.start(patienceMs, () => {
    giveUpWaiting(core, pending)
  })
  if (invite) respondTrying(core, pending)
  return pending
}

/**
 * The transaction outlives the request by 32 s. It keeps names only, so that the request itself
 * can go.
 */
function forgetAtEnd(core: Core, txn: string, transaction: ServerTransaction): void {
  const { key } = transaction
  transaction.onEnd = () => {
    core.txnByKey.delete(key)
    if (core.serverRequests.get(txn)?.final === undefined) core.serverRequests.delete(txn)
  }
}

function onEndOfInitial(core: Core, transaction: ServerTransaction, identity: string): void {
  const { onEnd } = transaction
  transaction.onEnd = () => {
    forgetCopy(core, identity)
    onEnd?.()
  }
}
