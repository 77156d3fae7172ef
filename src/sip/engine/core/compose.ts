import assert from 'node:assert/strict'
import { type DialogState, routeInDialog } from '../dialog/dialog.ts'
import { parseAddress, tagOf, withoutTag, withTag } from '../message/address.ts'
import { headerValue, type HeaderField } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseCSeq } from '../message/parse.ts'
import { type HeaderLine, serialise } from '../message/serialise.ts'
import { NETWORK_LIMITS, splitMessage } from '../message/split.ts'
import { ourVia } from '../message/via.ts'
import type { Listener } from '../transport/transport.ts'
import {
  contactLine,
  contentTypeLine,
  extraRequestHeaders,
  localContact,
  withLocalAddress,
} from './header-policy.ts'
import { firstCSeq, newBranch, newSipCallId, newTag } from './identifiers.ts'
import { chooseRoute, chooseRouteInDialog } from './route.ts'
import type { Core, Dialog, OutgoingRequest } from './state.ts'

/** What an application, or the engine itself, wants sent. */
export interface Wish {
  readonly method: string
  readonly uri: string
  readonly headers: readonly HeaderField[]
  readonly body: string
  /** URI of the next hop; empty if it follows from the Request-URI. */
  readonly proxy: string
}

/** A request ready to go, or why there is none, in the words applications are told. */
export type Composed =
  | { readonly kind: 'request'; readonly request: OutgoingRequest; readonly place: Place }
  | { readonly kind: 'refused'; readonly reason: string }

/** What of a request its dialog will need. */
export interface Place {
  readonly sipCallId: string
  readonly fromTag: string
  /** The From value, tag included. */
  readonly localParty: string
}

/** Methods whose requests carry a Contact of ours, because they set up or refresh a dialog. */
const NEEDS_CONTACT: ReadonlySet<string> = new Set(
  'INVITE SUBSCRIBE UPDATE REFER NOTIFY'.split(' '),
)

/** Composes a request outside dialogs. @see RFC 3261 §8.1.1 */
export function composeOutside(core: Pick<Core, 'listeners'>, wish: Wish): Composed {
  const { headers, method, uri } = wish
  const route = chooseRoute(core, wish.proxy === '' ? uri : wish.proxy)
  if (route.kind === 'no_route') return refused(route.reason)
  const { listener } = route
  const contentType = contentTypeLine(headers, wish.body)
  if (!contentType) return refused('missing content-type')
  const from = composeFrom(headerValue(headers, 'from'), listener)
  if (!from) return refused('invalid from value provided by client')
  const to = composeTo(headerValue(headers, 'to'), uri, listener)
  if (to === undefined) return refused('invalid to value provided by client')
  const given = parseCSeq(headerValue(headers, 'cseq') ?? '')
  const cseq = given?.number ?? firstCSeq()
  const sipCallId = headerValue(headers, 'call-id') ?? newSipCallId()
  const branch = newBranch()
  const text = serialise(
    `${method} ${uri} SIP/2.0`,
    [
      ['Via', ourVia(listener.transport, listener.sentBy, branch)],
      ['Max-Forwards', headerValue(headers, 'max-forwards') ?? '70'],
      ['From', from.value],
      ['To', to],
      ['Call-ID', sipCallId],
      ['CSeq', `${cseq} ${method}`],
      ...contactOf(wish, listener, method === 'INVITE' || method === 'SUBSCRIBE'),
      ...localised(extraRequestHeaders(headers), listener),
      ...contentType,
    ],
    wish.body,
  )
  const { target } = route
  return {
    kind: 'request',
    request: { method, uri, cseq, branch, text, listener, target },
    place: { sipCallId, fromTag: from.tag, localParty: from.value },
  }
}

function composeFrom(
  given: string | undefined,
  listener: Listener,
): { readonly value: string; readonly tag: string } | undefined {
  const value = given === undefined ? localContact(listener) : withLocalAddress(given, listener)
  const parsed = parseAddress(value)
  if (!parsed) return undefined
  const known = tagOf(value)
  if (known !== undefined) return { value, tag: known }
  const tag = newTag()
  return { value: withTag(value, tag), tag }
}

function composeTo(given: string | undefined, uri: string, listener: Listener): string | undefined {
  return given === undefined ? `<${uri}>` : withoutTag(withLocalAddress(given, listener))
}

function contactOf(
  { headers, uri }: Pick<Wish, 'headers' | 'uri'>,
  listener: Listener,
  needed: boolean,
): readonly HeaderLine[] {
  const isGiven = headerValue(headers, 'contact') !== undefined
  return needed || isGiven ? [contactLine(headers, listener, uri.startsWith('sips:'))] : []
}

function localised(lines: readonly HeaderLine[], listener: Listener): readonly HeaderLine[] {
  return lines.map(([name, value]) =>
    name === 'P-Asserted-Identity' ? [name, withLocalAddress(value, listener)] : [name, value],
  )
}

/** Composes a request of the engine's own inside a dialog, which nothing can be wrong with. */
export function composeOwn(
  core: Pick<Core, 'listeners'>,
  dialog: Pick<Dialog, 'state' | 'flow' | 'listener'>,
  wish: Wish,
  cseq: number,
): Extract<Composed, { kind: 'request' }> {
  const composed = composeInDialog(core, dialog, wish, cseq)
  assert(composed.kind === 'request', 'it has no body, or one that is SDP')
  return composed
}

/** Composes a request inside a dialog, with the number it takes in it. @see RFC 3261 §12.2.1.1 */
export function composeInDialog(
  core: Pick<Core, 'listeners'>,
  dialog: Pick<Dialog, 'state' | 'flow' | 'listener'>,
  wish: Wish,
  cseq: number,
): Composed {
  const { flow: hop, listener: madeOn, state } = dialog
  const { headers, method } = wish
  const routing = routeInDialog(state)
  const contentType = contentTypeLine(headers, wish.body)
  if (!contentType) return refused('missing content-type')
  const way = { hop, listener: madeOn }
  const { listener, target } = chooseRouteInDialog(core, routing.nextHop, way)
  const branch = newBranch()
  const text = serialise(
    `${method} ${routing.requestUri} SIP/2.0`,
    [
      ['Via', ourVia(listener.transport, listener.sentBy, branch)],
      ...routing.routes.map((value): HeaderLine => ['Route', value]),
      ['Max-Forwards', headerValue(headers, 'max-forwards') ?? '70'],
      ...partiesOf(state),
      ['CSeq', `${cseq} ${method}`],
      ...contactOf({ ...wish, uri: routing.requestUri }, listener, NEEDS_CONTACT.has(method)),
      ...extraRequestHeaders(headers),
      ...contentType,
    ],
    wish.body,
  )
  const { localParty, localTag: fromTag, sipCallId } = state
  const uri = routing.requestUri
  return {
    kind: 'request',
    request: { method, uri, cseq, branch, text, listener, target },
    place: { sipCallId, fromTag, localParty },
  }
}

function partiesOf({ localParty, remoteParty, sipCallId }: DialogState): readonly HeaderLine[] {
  return [
    ['From', localParty],
    ['To', remoteParty],
    ['Call-ID', sipCallId],
  ]
}

/** The number of an application's request in a dialog: its own if that moves on, else the next. */
export function nextCSeq(state: DialogState, headers: readonly HeaderField[]): number {
  const given = parseCSeq(headerValue(headers, 'cseq') ?? '')?.number
  return given !== undefined && given > state.localCSeq ? given : state.localCSeq + 1
}

/**
 * The ACK of a final response that is not a 2xx: same branch and Request-URI as the INVITE, the To
 * of the response. @see RFC 3261 §17.1.1.3
 */
export function composeFailureAck(invite: OutgoingRequest, response: SipResponse): string {
  const to = headerValue(response.headers, 'to') ?? ''
  return repeatHead(invite, 'ACK', to, [])
}

/** The CANCEL of an INVITE of ours. @see RFC 3261 §9.1 */
export function composeCancel(
  invite: OutgoingRequest,
  headers: readonly (readonly [string, string])[],
): string {
  return repeatHead(invite, 'CANCEL', undefined, headers)
}

/** A request that goes hop by hop with an INVITE: its Via, Route, From, Call-ID and number. */
function repeatHead(
  invite: OutgoingRequest,
  method: string,
  to: string | undefined,
  extra: readonly HeaderLine[],
): string {
  const split = splitMessage(invite.text, NETWORK_LIMITS)
  const lines: HeaderLine[] = []
  for (const { key, name, value } of split.headers) {
    if (key === 'to') lines.push([name, to ?? value])
    else if (key === 'cseq') lines.push([name, `${invite.cseq} ${method}`])
    else if (REPEATED.has(key)) lines.push([name, value])
  }
  return serialise(`${method} ${invite.uri} SIP/2.0`, [...lines, ...extra], '')
}

const REPEATED: ReadonlySet<string> = new Set(['via', 'route', 'max-forwards', 'from', 'call-id'])

const refused = (reason: string): Composed => ({ kind: 'refused', reason })
