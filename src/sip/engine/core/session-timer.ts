import { randomInt } from 'node:crypto'
import {
  agreeAsClient,
  agreeAsServer,
  AS_CLIENT,
  AS_SERVER,
  parseMinSe,
  parseSessionExpires,
  SESSION_SECONDS_MIN,
  type SessionTerms,
  supportsTimer,
} from '../dialog/session-timer.ts'
import { type HeaderField, headerValue } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import type { HeaderLine } from '../message/serialise.ts'
import { NETWORK_LIMITS, splitMessage } from '../message/split.ts'
import { composeOwn, type Wish } from './compose.ts'
import { hangUp, sendOwnRequest } from './hang-up.ts'
import { inviteAgain } from './invitation.ts'
import type { Core, Dialog, ServerRequest } from './state.ts'

/** The header lines by which a 2xx of ours agrees on a session timer; none without one. */
export function sessionLines(
  { dialog, request }: Pick<ServerRequest, 'dialog' | 'request'>,
  status: number,
  given: readonly HeaderField[],
): readonly HeaderLine[] {
  if (!isSettledBy(request.method) || status < 200 || status >= 300) return []
  if (request.method === 'UPDATE' && dialog?.phase !== 'confirmed') return []
  const terms = agreeAsServer(request.headers, given, dialog?.sessionTimer?.terms.refresher)
  if (!terms) return []
  const refresher = AS_SERVER[terms.refresher]
  const line: HeaderLine = ['Session-Expires', `${terms.seconds};refresher=${refresher}`]
  // RFC 4028 §9: whoever is to refresh has to know of it.
  const isRequired = refresher === 'uac' && supportsTimer(request.headers)
  return isRequired && headerValue(given, 'require') === undefined
    ? [line, ['Require', 'timer']]
    : [line]
}

/** Whether a 2xx to this method settles when a call expires. @see RFC 4028 §3 */
export function isSettledBy(method: string): boolean {
  return method === 'INVITE' || method === 'UPDATE'
}

/** What a 2xx of ours means for the timer of its dialog: one without Session-Expires ends it. */
export function settleAsServer(core: Core, dialog: Dialog, text: string): void {
  if (!text.includes('\r\nSession-Expires: ')) {
    stopSessionTimer(dialog)
    return
  }
  const { headers, body } = read(text)
  const terms = agreeAsServer([], headers, undefined)
  if (terms) arm(core, dialog, { terms, localSdp: body })
}

/** What a 2xx to a request of ours means for the timer: one without Session-Expires ends it. */
export function settleAsClient(
  core: Core,
  dialog: Dialog,
  exchange: { readonly sent: string; readonly response: SipResponse },
): void {
  const terms = agreeAsClient(exchange.response.headers)
  if (terms) arm(core, dialog, { terms, localSdp: read(exchange.sent).body })
  else stopSessionTimer(dialog)
}

/** The description in an ACK is ours too, when the offer came with the 2xx. */
export function noteAckBody({ sessionTimer }: Dialog, body: string): void {
  if (sessionTimer && body !== '') sessionTimer.localSdp = body
}

/** A request of the application that settles the timer anew asks for what was agreed before. */
export function withSessionHeaders(dialog: Dialog, wish: Wish): Wish {
  const { sessionTimer } = dialog
  if (!sessionTimer || !isSettledBy(wish.method) || parseSessionExpires(wish.headers)) return wish
  const { refresher, seconds } = sessionTimer.terms
  const asked = sessionHeaders(seconds, AS_CLIENT[refresher])
  const isSaid = headerValue(wish.headers, 'supported') !== undefined
  const added = isSaid ? asked.filter(({ key }) => key !== 'supported') : asked
  return { ...wish, headers: [...wish.headers, ...added] }
}

/** Ends the timer of a dialog; whatever waited for its refresh gets its turn. */
export function stopSessionTimer(dialog: Dialog): void {
  const { sessionTimer } = dialog
  if (!sessionTimer) return
  dialog.sessionTimer = undefined
  sessionTimer.handle.cancel()
  for (const work of sessionTimer.waiting.splice(0)) work()
}

function arm(
  core: Core,
  dialog: Dialog,
  agreed: { readonly terms: SessionTerms; readonly localSdp: string },
): void {
  // One that still rings or has ended meanwhile has nothing that could expire.
  if (dialog.phase !== 'confirmed' || core.dialogs.get(dialog.state.id) !== dialog) return
  const before = dialog.sessionTimer
  before?.handle.cancel()
  const { terms } = agreed
  const intervalMs = terms.seconds * core.settings.secondMs
  const isOurs = terms.refresher === 'us'
  const handle = core.wheel.start(isOurs ? intervalMs / 2 : intervalMs, () => {
    if (isOurs) refresh(core, dialog)
    else expire(core, dialog)
  })
  const localSdp = agreed.localSdp === '' ? (before?.localSdp ?? '') : agreed.localSdp
  dialog.sessionTimer = {
    terms,
    localSdp,
    handle,
    isRefreshing: before?.isRefreshing ?? false,
    waiting: before?.waiting ?? [],
  }
}

/**
 * Tells the other side that the call is still up: by a re-INVITE with the description it has had
 * last, as drachtio-server does, or by an UPDATE if none is known.
 */
function refresh(core: Core, dialog: Dialog): void {
  const { sessionTimer } = dialog
  if (!sessionTimer || dialog.phase !== 'confirmed') return
  if (isBusy(core, dialog)) {
    refreshIn(core, dialog, 4 * core.settings.timers.t1Ms)
    return
  }
  const { localSdp, terms } = sessionTimer
  const hasSdp = localSdp.startsWith('v=0')
  sendRefresh(core, dialog, {
    method: hasSdp ? 'INVITE' : 'UPDATE',
    uri: '',
    headers: sessionHeaders(terms.seconds, 'uac'),
    body: hasSdp ? localSdp : '',
    proxy: '',
  })
}

function sendRefresh(core: Core, dialog: Dialog, wish: Wish): void {
  const { sessionTimer, state } = dialog
  const cseq = state.localCSeq + 1
  if (!sessionTimer) return
  sessionTimer.isRefreshing = true
  dialog.state = { ...state, localCSeq: cseq }
  const onFinal = (response: SipResponse | undefined): void => {
    concludeRefresh(core, dialog, response)
  }
  const { place, request } = composeOwn(core, dialog, wish, cseq)
  if (wish.method === 'INVITE') inviteAgain(core, dialog, { request, place, onFinal })
  else sendOwnRequest(core, dialog, request, onFinal)
}

/** Nobody has said in time that the call is still up. */
function expire(core: Core, dialog: Dialog): void {
  hangUp(core, dialog, { text: 'Session timer expired', record: 'session-expired', tell: true })
}

function sessionHeaders(seconds: number, refresher: 'uac' | 'uas'): readonly HeaderField[] {
  const expires = `${seconds};refresher=${refresher}`
  return [
    { key: 'session-expires', name: 'Session-Expires', value: expires },
    { key: 'min-se', name: 'Min-SE', value: String(SESSION_SECONDS_MIN) },
    { key: 'supported', name: 'Supported', value: 'timer' },
  ]
}

/** Another INVITE is under way, and two at a time make glare. @see RFC 3261 §14.1 */
function isBusy(core: Core, dialog: Dialog): boolean {
  if (dialog.pendingInvite !== undefined || dialog.answer || dialog.unacknowledged.length > 0)
    return true
  const phase = core.invitationsByDialog.get(dialog.state.id)?.phase
  return phase === 'calling' || phase === 'proceeding'
}

function refreshIn(core: Core, dialog: Dialog, delayMs: number): void {
  const { sessionTimer } = dialog
  if (!sessionTimer) return
  sessionTimer.handle.cancel()
  sessionTimer.handle = core.wheel.start(delayMs, () => {
    refresh(core, dialog)
  })
}

/** A refresh that failed ends the call, but for glare and for a time that was too short. */
function concludeRefresh(core: Core, dialog: Dialog, response: SipResponse | undefined): void {
  const { sessionTimer } = dialog
  if (!sessionTimer) return
  sessionTimer.isRefreshing = false
  const status = response?.status ?? 408
  const minimum = status === 422 ? (parseMinSe(response?.headers ?? []) ?? 0) : 0
  if (response && status < 300) {
    settleAsClient(core, dialog, { sent: '', response })
  } else if (status === 491) {
    refreshIn(core, dialog, afterGlareMs(core, dialog))
  } else if (minimum > sessionTimer.terms.seconds) {
    const terms: SessionTerms = { seconds: minimum, refresher: 'us' }
    dialog.sessionTimer = { ...sessionTimer, terms }
    refreshIn(core, dialog, 0)
  } else expire(core, dialog)
  for (const work of sessionTimer.waiting.splice(0)) work()
}

/** Whoever made the Call-ID waits longer. @see RFC 3261 §14.1 */
function afterGlareMs({ settings }: Core, { state }: Dialog): number {
  const isOurs = state.id.endsWith(`;from-tag=${state.localTag}`)
  const tenMs = settings.secondMs / 100
  return tenMs * (isOurs ? randomInt(210, 401) : randomInt(0, 201))
}

function read(text: string): { readonly headers: readonly HeaderField[]; readonly body: string } {
  const split = splitMessage(text, NETWORK_LIMITS)
  return { headers: split.headers, body: split.kind === 'split' ? split.rest : '' }
}
