import { contactUri } from '../dialog/dialog.ts'
import type { SipResponse } from '../message/message.ts'
import type { ClientUser } from '../transaction/transactions.ts'
import type { Failure } from '../transaction/timers.ts'
import type { Hop } from '../transport/transport.ts'
import { cancelOrHold, sendCancel } from './application-cancel.ts'
import { composeFailureAck, type Place } from './compose.ts'
import { conclude } from './conclude.ts'
import { hangUp } from './hang-up.ts'
import { openAsClient } from './open-dialog.ts'
import { deliverResponse, noHop, statusOfFailure, syntheticResponse } from './send.ts'
import { repeatAck, sendAck } from './send-ack.ts'
import { closeEarly, confirmEarly, countOn, openEarly, takeProvisional } from './early-dialog.ts'
import { settleAsClient } from './session-timer.ts'
import {
  type ClientRequest,
  type Core,
  type Dialog,
  type Invitation,
  type OutgoingRequest,
  ownRequest,
  recordCall,
} from './state.ts'
import { startRequest } from './start-request.ts'

/** Forks of one INVITE that are hung up after another has answered; more are left to time out. */
const FORKS_MAX = 16

/** Sends the INVITE of an application and follows it to its end. */
export function invite(core: Core, client: ClientRequest, localParty: string): void {
  start(core, client, { localParty, onFinal: undefined })
}

/** Sends a re-INVITE of the engine's own, and acknowledges its answer. */
export function inviteAgain(
  core: Core,
  dialog: Dialog,
  what: {
    readonly request: OutgoingRequest
    readonly place: Place
    readonly onFinal: (response: SipResponse) => void
  },
): void {
  start(core, ownRequest(dialog, what.request), {
    localParty: what.place.localParty,
    onFinal: what.onFinal,
  })
}

function start(
  core: Core,
  client: ClientRequest,
  { localParty, onFinal }: Pick<Invitation, 'localParty' | 'onFinal'>,
): void {
  const invitation: Invitation = {
    ...client,
    localParty,
    onFinal,
    phase: 'calling',
    cancel: 'none',
    cancelHeaders: [],
    abandoned: false,
    established: undefined,
    closedEarly: undefined,
    acks: undefined,
    reliable: undefined,
    deadline: undefined,
  }
  core.invitations.set(client.txn, invitation)
  core.invitationsByDialog.set(client.dialogId, invitation)
  if (!client.dialog) {
    core.counters.callsOut++
    recordCall(core, 'attempt', 'application', undefined, client.sent.text)
  }
  startRequest(core, invitation, userOf(core, invitation), () => invitation.cancel === 'none')
}

function userOf(core: Core, invitation: Invitation): ClientUser {
  return {
    onResponse: (response, from) => {
      receiveResponse(core, invitation, response, from)
    },
    onFailure: (failure) => {
      receiveFailure(core, invitation, failure)
    },
    composeAck: (response) => composeFailureAck(invitation.sent, response),
    onEnd: () => {
      forget(core, invitation)
    },
    onRetry: () => {
      invitation.phase = 'calling'
    },
  }
}

function forget(core: Core, invitation: Invitation): void {
  const { dialogId, txn } = invitation
  core.invitations.delete(txn)
  if (core.invitationsByDialog.get(dialogId) === invitation)
    core.invitationsByDialog.delete(dialogId)
}

function receiveResponse(
  core: Core,
  invitation: Invitation,
  response: SipResponse,
  from: Hop,
): void {
  if (response.status < 200) receiveProvisional(core, invitation, response, from)
  else if (response.status >= 300) conclude(core, invitation, response, from)
  else if (invitation.established) receiveFurtherSuccess(core, invitation, response)
  else if (invitation.phase === 'failed') receiveLateSuccess(core, invitation, response)
  else receiveSuccess(core, invitation, response, from)
}

function receiveProvisional(
  core: Core,
  invitation: Invitation,
  response: SipResponse,
  from: Hop,
): void {
  if (invitation.phase === 'calling') invitation.phase = 'proceeding'
  if (invitation.cancel === 'held') sendCancel(core, invitation)
  const kind = takeProvisional(invitation, response)
  if (kind === 'copy') return
  if (kind === 'reliable') openEarly(core, invitation, response)
  if (response.status > 100 && !invitation.abandoned) deliverResponse(invitation, response, from)
}

function receiveSuccess(
  core: Core,
  invitation: Invitation,
  response: SipResponse,
  from: Hop,
): void {
  invitation.phase = 'answered'
  invitation.deadline?.cancel()
  const dialog = invitation.dialog ?? confirmEarly(core, invitation, response)
  invitation.established = dialog
  if (invitation.dialog) follow(dialog, response)
  else if (invitation.abandoned || !isUsable(response)) {
    closeEarly(core, invitation)
    discardAnswer(core, invitation, dialog, from)
    return
  } else recordAnswer(core, dialog, response)
  if (invitation.onFinal) {
    sendAck(core, invitation, dialog)
    invitation.onFinal(response)
    return
  }
  settleAsClient(core, dialog, { sent: invitation.sent.text, response })
  dialog.unacknowledged.push(invitation)
  invitation.deadline = core.wheel.start(64 * core.settings.timers.t1Ms, () => {
    hangUpUnacknowledged(core, invitation, dialog)
  })
  deliverResponse(invitation, response, from)
  invitation.sent = { ...invitation.sent, text: '' }
}

function recordAnswer(core: Core, dialog: Dialog, response: SipResponse): void {
  core.counters.callsAnsweredOut++
  core.dialogs.set(dialog.state.id, dialog)
  recordCall(core, 'start', 'network', 'uac', response.text)
}

/** Whether a client can make a dialog of it: 200, with a Contact that can be called. */
function isUsable(response: SipResponse): boolean {
  return response.status === 200 && contactUri(response) !== undefined
}

function follow(dialog: Dialog, response: SipResponse): void {
  const remoteTarget = contactUri(response)
  if (remoteTarget !== undefined) dialog.state = { ...dialog.state, remoteTarget }
}

/** An answer nobody can or will use: the phone at the other end must not be left off the hook. */
function discardAnswer(core: Core, invitation: Invitation, dialog: Dialog, from: Hop): void {
  sendAck(core, invitation, dialog, undefined)
  hangUp(core, dialog, { text: 'Call not wanted', tell: false })
  recordCall(core, 'stop', 'application', 'system-initiated-termination', invitation.sent.text)
  if (invitation.abandoned) return
  const failure = syntheticResponse(invitation.sent, 500, 'Unusable Answer')
  if (failure) deliverResponse(invitation, failure, from)
}

/**
 * An answer to an INVITE that was given up, of which the application has been told that it failed: the phone is hung
 * up. One inside a call is acknowledged only, since without that the whole call would end.
 */
function receiveLateSuccess(core: Core, invitation: Invitation, response: SipResponse): void {
  core.counters.answersTooLate++
  const dialog = invitation.dialog ?? confirmEarly(core, invitation, response)
  invitation.established = dialog
  if (invitation.dialog) follow(dialog, response)
  sendAck(core, invitation, dialog)
  if (!invitation.dialog) hangUp(core, dialog, { text: 'Call not wanted', tell: false })
}

/** A 2xx after the first: its copy gets the same ACK again, that of another fork is hung up. */
function receiveFurtherSuccess(core: Core, invitation: Invitation, response: SipResponse): void {
  const { established, acks } = invitation
  const tag = response.toTag ?? ''
  if (repeatAck(invitation, tag) || established?.state.remoteTag === tag) return
  if (invitation.dialog || (acks?.size ?? 0) >= FORKS_MAX) return
  core.counters.forksHungUp++
  const fork = countOn(openAsClient(invitation, invitation.localParty, response), established)
  sendAck(core, invitation, fork, undefined)
  hangUp(core, fork, { text: 'Call completed elsewhere', tell: false })
}

function hangUpUnacknowledged(core: Core, invitation: Invitation, dialog: Dialog): void {
  dialog.unacknowledged.splice(dialog.unacknowledged.indexOf(invitation), 1)
  sendAck(core, invitation, dialog, undefined)
  hangUp(core, dialog, { text: 'ACK missing', tell: true })
}

function receiveFailure(core: Core, invitation: Invitation, failure: Failure): void {
  if (failure === 'ringing_too_long') {
    cancelOrHold(core, invitation, [])
    return
  }
  const { status, reason } = statusOfFailure(failure)
  const response = syntheticResponse(invitation.sent, status, reason)
  if (response) conclude(core, invitation, response, noHop(invitation.sent))
}
