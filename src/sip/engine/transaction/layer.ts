import type { SipRequest, SipResponse } from '../message/message.ts'
import { MAGIC_COOKIE, sentByKey } from '../message/via.ts'
import type { Hop } from '../transport/transport.ts'
import {
  type ClientParts,
  createClient,
  endClient,
  failHop,
  giveUp,
  receiveResponse,
} from './client.ts'
import { createServer, feedServer, respond, type ServerParts } from './server.ts'
import type { TimerValues } from './timers.ts'
import type { ClientTransaction, ServerTransaction, Tables } from './transactions.ts'
import type { Wheel } from './wheel.ts'

/** All transactions of the engine: it carries out what the four step functions decide. */
export interface TransactionLayer {
  readonly findServer: (key: string) => ServerTransaction | undefined
  readonly createServer: (parts: ServerParts) => ServerTransaction
  /** Gives a server transaction its response; `text` is repeated for as long as the RFC says. */
  readonly respond: (transaction: ServerTransaction, status: number, text: string) => void
  /** Feeds a retransmitted request or an ACK to its transaction. */
  readonly repeat: (transaction: ServerTransaction, type: 'retransmission' | 'ack') => void
  readonly createClient: (parts: ClientParts) => ClientTransaction
  /** Hands a response to its transaction; false if there is none. */
  readonly receiveResponse: (response: SipResponse, from: Hop) => boolean
  /** Ends every request that is under way to a hop that refuses it. */
  readonly failHop: (hop: Hop) => void
  /** Stops waiting for the final response of an INVITE; a 2xx that comes within 64·T1 is still handed up. */
  readonly giveUp: (transaction: ClientTransaction) => void
  /** Forgets a client transaction. */
  readonly abandon: (transaction: ClientTransaction) => void
  readonly sizes: () => { readonly server: number; readonly client: number }
}

/** Builds an empty layer. */
export function createTransactionLayer(timers: TimerValues, wheel: Wheel): TransactionLayer {
  const contexts = { reliable: { timers, reliable: true }, unreliable: { timers, reliable: false } }
  const tables: Tables = { servers: new Map(), clients: new Map(), wheel, contexts }
  return {
    findServer: (key) => tables.servers.get(key),
    createServer: (parts) => createServer(tables, parts),
    respond: (transaction, status, text) => {
      respond(tables, transaction, status, text)
    },
    repeat: (transaction, type) => {
      feedServer(tables, transaction, { type })
    },
    createClient: (parts) => createClient(tables, parts),
    receiveResponse: (response, from) => receiveResponse(tables, response, from),
    failHop: (hop) => {
      failHop(tables, hop)
    },
    giveUp: (transaction) => {
      giveUp(tables, transaction)
    },
    abandon: (transaction) => {
      endClient(tables, transaction)
    },
    sizes: () => ({ server: tables.servers.size, client: tables.clients.size }),
  }
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
  if (via.branch.startsWith(MAGIC_COOKIE) && via.branch.length > MAGIC_COOKIE.length)
    return `${via.branch} ${sentByKey(via)} ${counted}`
  const { cseq, fromTag, sipCallId, uri } = request
  return `${sipCallId} ${fromTag ?? ''} ${cseq} ${counted} ${sentByKey(via)} ${via.branch} ${uri}`
}
