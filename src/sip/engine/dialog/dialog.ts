import { parseAddress, withTag } from '../message/address.ts'
import { headerValue, headerValues, listElements, parameter } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { parseSipUri } from '../message/uri.ts'

/** What two user agents agree on when a dialog is set up. @see RFC 3261 §12 */
export interface DialogState {
  /** `CALLID;from-tag=TAG`, with the tag of whoever sent the first INVITE, as applications know it. */
  readonly id: string
  readonly sipCallId: string
  readonly localTag: string
  readonly remoteTag: string
  /** Our From value, tag included. */
  readonly localParty: string
  /** The other side's To value, tag included. */
  readonly remoteParty: string
  /** Route values for our requests, in order. */
  readonly routeSet: readonly string[]
  /** The Contact of the other side: a URI. */
  readonly remoteTarget: string
  /** CSeq number of our last request. */
  readonly localCSeq: number
  /** CSeq number of the other side's last request; undefined before its first. */
  readonly remoteCSeq: number | undefined
}

/** The id under which applications know a dialog. */
export function dialogIdOf(sipCallId: string, firstTag: string): string {
  return `${sipCallId};from-tag=${firstTag}`
}

/** The dialog that our response to an INVITE sets up. @see RFC 3261 §12.1.1 */
export function dialogAsServer(request: SipRequest, localTag: string): DialogState {
  const remoteTag = request.fromTag ?? ''
  return {
    id: dialogIdOf(request.sipCallId, remoteTag),
    sipCallId: request.sipCallId,
    localTag,
    remoteTag,
    localParty: withTag(headerValue(request.headers, 'to') ?? '', localTag),
    remoteParty: headerValue(request.headers, 'from') ?? '',
    routeSet: listElements(headerValues(request.headers, 'record-route')),
    remoteTarget: contactUri(request) ?? request.uri,
    localCSeq: request.cseq,
    remoteCSeq: request.cseq,
  }
}

/**
 * The dialog that a 2xx to our INVITE sets up. Without a usable Contact the Request-URI stands in,
 * so that the call can at least be hung up.
 *
 * @see RFC 3261 §12.1.2
 */
export function dialogAsClient(
  invite: { readonly id: string; readonly uri: string; readonly localParty: string },
  response: SipResponse,
): DialogState {
  const { headers, sipCallId, fromTag, toTag, cseq } = response
  return {
    id: invite.id,
    sipCallId,
    localTag: fromTag ?? '',
    remoteTag: toTag ?? '',
    localParty: invite.localParty,
    remoteParty: headerValue(headers, 'to') ?? '',
    routeSet: listElements(headerValues(headers, 'record-route')).toReversed(),
    remoteTarget: contactUri(response) ?? invite.uri,
    localCSeq: cseq,
    remoteCSeq: undefined,
  }
}

/** The URI of the first Contact, if it is one that a SIP request can be sent to. */
export function contactUri(message: SipRequest | SipResponse): string | undefined {
  const [first] = listElements(headerValues(message.headers, 'contact'))
  const uri = first === undefined ? undefined : parseAddress(first)?.uri
  return uri !== undefined && parseSipUri(uri) ? uri : undefined
}

/** Where a request inside a dialog goes, and the Request-URI and Route headers it gets. */
interface Routing {
  readonly requestUri: string
  readonly routes: readonly string[]
  /** The URI to send to. */
  readonly nextHop: string
}

/**
 * Routes a request inside a dialog. A first route without `lr` is a strict router of RFC 2543: it
 * becomes the Request-URI, and the real target the last route.
 *
 * @see RFC 3261 §12.2.1.1
 */
export function routeInDialog({
  remoteTarget,
  routeSet,
}: Pick<DialogState, 'remoteTarget' | 'routeSet'>): Routing {
  const [first] = routeSet
  const firstUri = first === undefined ? undefined : parseAddress(first)?.uri
  if (firstUri === undefined) return { requestUri: remoteTarget, routes: [], nextHop: remoteTarget }
  const uri = parseSipUri(firstUri)
  if (uri && parameter(uri.parameters, 'lr') !== undefined)
    return { requestUri: remoteTarget, routes: routeSet, nextHop: firstUri }
  const rest = [...routeSet.slice(1), `<${remoteTarget}>`]
  return { requestUri: firstUri, routes: rest, nextHop: firstUri }
}

/** Whether a request inside a dialog comes in order. @see RFC 3261 §12.2.2 */
export function isInOrder(dialog: Pick<DialogState, 'remoteCSeq'>, cseq: number): boolean {
  return dialog.remoteCSeq === undefined || cseq >= dialog.remoteCSeq
}

/** Methods that may change where the other side is reached. @see RFC 3261 §12.2, RFC 3311 §5.1 */
export function refreshesTarget(method: string): boolean {
  return method === 'INVITE' || method === 'UPDATE' || method === 'SUBSCRIBE' || method === 'NOTIFY'
}
