import { headerValue, type HeaderField } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { NETWORK_LIMITS, splitMessage } from '../message/split.ts'
import { parseDigits } from '../message/uri.ts'
import { endDialog, enterDialog } from './hang-up.ts'
import { openAsClient, openAsServer } from './open-dialog.ts'
import type { ClientRequest, Core, Dialog, ServerRequest } from './state.ts'

/** How long a subscription lasts that does not say. @see RFC 6665 §4.2.1.1, left to the package */
const EXPIRES_SECONDS = 3_600

/** The longest a subscription stays here without being refreshed, whatever it says. */
const EXPIRES_SECONDS_MAX = 86_400

/**
 * What an application's response means for subscriptions: a 2xx to SUBSCRIBE makes a dialog or keeps it
 * up, and the response to the last NOTIFY ends it. Called before the response goes out.
 *
 * @see RFC 6665 §4.2, §4.4.1
 */
export function answerSubscription(
  core: Core,
  pending: ServerRequest,
  status: number,
  text: string,
): void {
  const { dialog, request } = pending
  if (status < 200) return
  if (dialog?.expiry && request.method === 'NOTIFY' && isLast(request.headers))
    endDialog(core, dialog)
  if (request.method !== 'SUBSCRIBE' || status >= 300) return
  const opened = dialog ?? (pending.dialog = enter(core, openAsServer(pending)))
  if (dialog && !dialog.expiry) return // a call's: it does not end with a subscription in it
  keepUp(core, opened, expiresIn(headersOf(text)) ?? expiresIn(request.headers))
}

/**
 * What the final response to a request of an application means for subscriptions. A NOTIFY that comes before
 * the 2xx to its SUBSCRIBE finds no dialog yet and gets 481 (RFC 6665 §4.1.2.4 would let it make one).
 */
export function followSubscription(
  core: Core,
  client: ClientRequest,
  localParty: string,
  response: SipResponse,
): void {
  const { sent } = client
  const { dialog } = client
  const { status } = response
  if (dialog?.expiry && isOver(sent.method, sent.text, status)) endDialog(core, dialog)
  if (sent.method !== 'SUBSCRIBE' || status >= 300 || (dialog && !dialog.expiry)) return
  const opened = dialog ?? enter(core, openAsClient(client, localParty, response))
  keepUp(core, opened, expiresIn(response.headers) ?? expiresIn(headersOf(sent.text)))
}

/** Whether the other side has let go of the subscription, or we have. @see RFC 6665 §4.2.2 */
function isOver(method: string, text: string, status: number): boolean {
  if (method !== 'NOTIFY' && method !== 'SUBSCRIBE') return false
  return status === 481 || status === 408 || (method === 'NOTIFY' && isLast(headersOf(text)))
}

function isLast(headers: readonly HeaderField[]): boolean {
  return headerValue(headers, 'subscription-state')?.toLowerCase().startsWith('terminated') === true
}

function headersOf(text: string): readonly HeaderField[] {
  return splitMessage(text, NETWORK_LIMITS).headers
}

function expiresIn(headers: readonly HeaderField[]): number | undefined {
  return parseDigits(headerValue(headers, 'expires') ?? '', 10)
}

function enter(core: Core, dialog: Dialog): Dialog {
  enterDialog(core, dialog)
  return dialog
}

/** Ends the dialog when its time is over and nobody refreshes it; the last NOTIFY may still come. */
function keepUp(core: Core, dialog: Dialog, seconds = EXPIRES_SECONDS): void {
  if (core.dialogs.get(dialog.state.id) !== dialog) return // it has ended meanwhile
  dialog.expiry?.cancel()
  const graceMs = 64 * core.settings.timers.t1Ms
  const lastsMs = 1_000 * Math.min(seconds, EXPIRES_SECONDS_MAX)
  dialog.expiry = core.wheel.start(lastsMs + graceMs, () => {
    endDialog(core, dialog)
  })
}
