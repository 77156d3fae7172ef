import { randomUUID } from 'node:crypto'
import type { Hop } from '../transport/transport.ts'

/** What an application asks for. @see drachtio's control protocol */
export type ApplicationMessage =
  | { readonly type: 'authenticate'; readonly id: string; readonly secret: string }
  | { readonly type: 'route'; readonly id: string; readonly verb: string }
  | { readonly type: 'remove_route'; readonly id: string; readonly verb: string }
  | { readonly type: 'ping'; readonly id: string }
  | { readonly type: 'proxy'; readonly id: string }
  | SipMessageFrame
  | { readonly type: 'unknown'; readonly id: string }

/** A SIP message that an application wants sent. */
export interface SipMessageFrame {
  readonly type: 'sip'
  readonly id: string
  /** The transaction it answers or cancels; empty for a new request. */
  readonly txn: string
  /** The dialog it belongs to; empty outside dialogs. */
  readonly dialogId: string
  /** URI of the next hop, if it is not to follow from the Request-URI. */
  readonly proxy: string
  /** The message itself. */
  readonly text: string
}

/** Reads the payload of one frame of an application. */
export function parseApplicationMessage(payload: string): ApplicationMessage {
  const lineEnd = payload.indexOf('\r\n')
  const meta = lineEnd === -1 ? payload : payload.slice(0, lineEnd)
  const [id = '', type = '', first = '', second = '', third = ''] = meta.split('|')
  switch (type) {
    case 'authenticate':
      return { type, id, secret: first }
    case 'route':
    case 'remove_route':
      return { type, id, verb: first.toLowerCase() }
    case 'ping':
    case 'proxy':
      return { type, id }
    case 'sip': {
      const text = lineEnd === -1 ? '' : payload.slice(lineEnd + 2)
      return { type, id, txn: first, dialogId: second, proxy: third, text }
    }
    default:
      return { type: 'unknown', id }
  }
}

/** Where a message came from or went to, and when, as the protocol words it. */
interface Meta {
  readonly source: 'network' | 'application'
  readonly hop: Hop
  readonly bytes: number
}

/** The answer to an application's message: `OK` or `NO`/`NOK`, and what belongs to it. */
export function answerPayload(id: string, verdict: 'OK' | 'NO' | 'NOK', ...rest: string[]): string {
  return [randomUUID(), 'response', id, verdict, ...rest].join('|')
}

/** A SIP message on its way to an application. */
export interface Delivery {
  readonly source: 'network' | 'application'
  readonly hop: Hop
  readonly txn: string
  readonly dialogId: string
  /** The address the message came in on, given for new requests outside dialogs. */
  readonly receivedOn?: { readonly host: string; readonly port: number }
  readonly text: string
}

/** Hands a SIP message to an application. */
export function deliveryPayload({ dialogId, receivedOn, text, txn, ...rest }: Delivery): string {
  const meta = metaOf({ ...rest, bytes: text.length })
  const local = receivedOn ? `${receivedOn.host}|${receivedOn.port}|` : ''
  return `${randomUUID()}|sip|${meta}|${txn}|${dialogId}|${local}\r\n${text}`
}

/** Confirms a request that was sent for an application, with the request as it was sent. */
export function requestSentPayload(id: string, hop: Hop, txn: string, text: string): string {
  const meta = metaOf({ source: 'application', hop, bytes: text.length })
  return `${randomUUID()}|response|${id}|OK|${meta}|${txn}|Msg sent:|\r\n${text}`
}

/** Confirms a response that was sent for an application, with the response as it was sent. */
export function responseSentPayload(
  id: string,
  hop: Hop,
  { txn, dialogId, text }: { txn: string; dialogId: string; text: string },
): string {
  const meta = metaOf({ source: 'application', hop, bytes: text.length })
  return `${randomUUID()}|response|${id}|OK|${meta}|${txn}|${dialogId}||Msg sent:|\r\n${text}`
}

/** An event of the call detail record: an attempt, a start or a stop, and the message behind it. */
export function cdrPayload(
  event: string,
  source: 'network' | 'application',
  detail: string | undefined,
  text: string,
): string {
  const tail = detail === undefined ? '' : `|${detail}`
  return `${randomUUID()}|cdr:${event}|${source}|${timeOfDay(Date.now())}${tail}\r\n${text}`
}

function metaOf({ source, hop, bytes }: Meta): string {
  const { transport, address, port } = hop
  return `${source}|${bytes}|${transport}|${address}|${port}|${timeOfDay(Date.now())}`
}

/** UTC time of day as `HH:MM:SS.uuuuuu`. */
export function timeOfDay(epochMs: number): string {
  const second = Math.floor(epochMs / 1000) % 86_400
  const hours = two(Math.floor(second / 3600))
  const minutes = two(Math.floor(second / 60) % 60)
  return `${hours}:${minutes}:${two(second % 60)}.${String(epochMs % 1000).padStart(3, '0')}000`
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value))
