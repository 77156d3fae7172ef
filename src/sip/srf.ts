/**
 * The typed edge of drachtio-srf: the only file that knows the client's own shapes and may cast them. What
 * the client leaves to its users is settled here: dialogs are watched from the moment they exist (a BYE may
 * stand in the same read as the answer), every promise settles when the server goes away, and a mistake of
 * the client in one dialog does not take the process down.
 */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import Srf from 'drachtio-srf'
import { answerEarlyUpdate, guarded } from './dialog-requests.ts'
import { inBackground, type OnFailure } from './in-background.ts'
import { type SipServer, watchServer, type Wire } from './server-watch.ts'
import { watchDialog } from './watch-dialog.ts'

/** Header names and values; values have been through `headers.ts`. */
export type Headers = Readonly<Record<string, string>>

export interface SipMessage {
  readonly method: string
  readonly uri: string
  readonly body: string | undefined
  readonly raw: string
  get(name: string): string | undefined
  has(name: string): boolean
  getParsedHeader(name: string): unknown
}

export interface SipRequest extends SipMessage, EventEmitter {
  readonly source_address: string
  readonly source_port: number
  readonly protocol: string
}

export interface SendOptions {
  readonly headers?: Headers
  readonly body?: string
}

export interface SipResponse {
  readonly finalResponseSent: boolean
  send(status: number, options?: SendOptions, callback?: (error?: Error) => void): void
  send(status: number, reason: string, options?: SendOptions): void
}

/** A response from the network. */
export interface ReceivedResponse extends SipMessage {
  readonly status: number
  readonly reason: string
  readonly source_address: string
}

/** A dialog as the client has it. */
export interface RawDialog extends EventEmitter {
  connected: boolean
  readonly remote: { readonly uri: string }
  handle(request: SipRequest, response: SipResponse): void
  readonly id: string
  readonly socket: unknown
  readonly agent: {
    request(options: object, callback: (error: Error | null, sent?: EventEmitter) => void): void
  }
}

/** How a dialog ended: by the peer's BYE, by ours, or with the connection to the SIP server. */
export type DialogEnd =
  | {
      readonly by: 'peer' | 'us'
      /** The Reason header of the BYE, as received. */
      readonly reason: string | undefined
    }
  | {
      readonly by: 'server'
      readonly reason: undefined
      /** When the server was last known to be there, on the monotonic clock. */
      readonly heardAtMs: number
    }

/** A confirmed dialog. */
export interface Dialog {
  readonly ended: Promise<DialogEnd>
  /** Sends BYE. Never fails: whatever comes back, the dialog is over. */
  hangUp(headers: Headers): void
  /** Sends a request inside the dialog; undefined when no answer can be had any more. */
  request(
    method: string,
    options: { headers?: Headers; body?: string },
  ): Promise<FinalResponse | undefined>
  /** Calls back for each request of the peer with this method; it has to be answered. */
  onRequest(method: string, handler: RequestHandler): void
  /** The next ACK to a 2xx of ours; its body is the answer to an offer of ours. */
  onAck(handler: (ack: SipMessage) => unknown): void
}

/** Answers a request inside a dialog, now or later; when it fails, 500 is answered for it. */
export type RequestHandler = (request: SipRequest, response: SipResponse) => unknown

/** The final response to a request inside a dialog. */
export interface FinalResponse {
  readonly response: ReceivedResponse
  /** There where the 2xx to an INVITE without offer holds one: sends the ACK with our answer. */
  readonly acknowledge?: (sdp: string) => void
}

export interface UacOptions {
  readonly uri: string
  readonly headers: Headers
  readonly body: string | undefined
  /** For challenges inside the dialog; not for one of this INVITE. */
  readonly auth: { readonly username: string; readonly password: string } | undefined
}

/** The buyer's answer, before it is acknowledged where the offer is still to come. */
export type Answer =
  | { readonly kind: 'confirmed'; readonly dialog: Dialog; readonly response: ReceivedResponse }
  | {
      /** The 2xx holds the offer: `acknowledge` sends the ACK with our answer. */
      readonly kind: 'offer'
      readonly response: ReceivedResponse
      readonly acknowledge: (sdp: string) => Promise<Dialog>
      readonly abandon: () => void
    }

export type UacOutcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly status: number; readonly response?: ReceivedResponse }
  | { readonly kind: 'server_lost' }

export interface Uac {
  readonly outcome: Promise<UacOutcome>
  /** Sends CANCEL, now or as soon as the INVITE is out. A 2xx that crosses it still arrives in `outcome`. */
  cancel(headers: Headers): void
}

interface RawRequest extends EventEmitter {
  readonly msg?: unknown
  cancel(options: { headers: Headers }, callback: (error?: Error) => void): void
}

interface RawOffer {
  readonly sdp: string
  readonly res: ReceivedResponse
  ack(sdp: string): Promise<RawDialog>
  destroy(): Promise<void>
}

interface RawSrf extends EventEmitter {
  connect(options: object): void
  readonly _app: {
    readonly client: {
      readonly mapServer: ReadonlyMap<Socket, unknown>
      readonly wp: Wire
    }
  }
  use(method: string, handler: (request: SipRequest, response: SipResponse) => void): void
  createUAS(
    request: SipRequest,
    response: SipResponse,
    options: object,
    callback: (error: Error | null, dialog?: RawDialog) => void,
  ): void
  createUAC(
    uri: string,
    options: object,
    progress: object,
    callback: (error: UacError | null, created?: RawDialog | RawOffer) => void,
  ): void
  removeDialog(dialog: RawDialog): void
  request(
    uri: string,
    options: object,
    callback: (error: Error | null, request?: EventEmitter) => void,
  ): void
}

type UacError = Error & { readonly status?: number; readonly res?: ReceivedResponse }

export interface SrfEvents {
  /** A request outside a dialog, by method in lower case. */
  readonly onRequest: Readonly<Record<string, (request: SipRequest, response: SipResponse) => void>>
  /** Connected and authenticated; again after each reconnection. */
  readonly onConnect: (hostports: readonly string[]) => void
  readonly onRefused: (error: Error) => void
  readonly onError: (error: Error) => void
  /** The connection is gone, and with it every dialog. */
  readonly onClose: () => void
  /** Something that nobody waits for has failed: a mistake in here, which ends nothing. */
  readonly onFailure: OnFailure
}

/** What became of our 200 to a caller. */
export type UasOutcome =
  | { readonly kind: 'answered'; readonly dialog: Dialog }
  /** The caller's CANCEL came first. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'server_lost' }
  /** The SIP server refused it, or no dialog can be made of it. */
  | { readonly kind: 'failed'; readonly error: unknown }

export interface SipClient {
  createUac(options: UacOptions, onProvisional: (response: ReceivedResponse) => void): Uac
  /** Answers with 200. */
  createUas(request: SipRequest, response: SipResponse, options: SendOptions): Promise<UasOutcome>
  /** Sends OPTIONS outside a dialog; the status of the answer, undefined where none can be had. */
  ping(uri: string): Promise<number | undefined>
  /** Ends the connection for good. */
  disconnect(): void
}

/** The client's own object, and what everything that hangs on its connection has to know. */
export interface Client {
  readonly srf: RawSrf
  /** Told once for each connection that is lost, and when the server was last heard; what hangs on it ends then. */
  readonly lost: EventEmitter
  readonly onFailure: OnFailure
}

/** Connects to a SIP server that speaks drachtio's protocol and keeps reconnecting. */
export function connectSipClient(
  { watch: times, ...address }: SipServer,
  events: SrfEvents,
): SipClient {
  const srf = new Srf() as unknown as RawSrf
  const lost = new EventEmitter().setMaxListeners(0)
  const client: Client = { srf, lost, onFailure: events.onFailure }
  for (const [method, handler] of Object.entries(events.onRequest)) {
    srf.use(method, guarded(handler, events.onFailure))
  }
  // Without a maximum the client's delay between attempts grows without limit.
  srf.connect({ ...address, reconnect: { retryMaxDelay: 1_000 } })
  const watch = watchServer(srf._app.client.wp, times)
  srf.on('connect', (error: Error | null, hostports: string, version?: string) => {
    if (error) return events.onRefused(error)
    watch.start(version)
    events.onConnect(hostports.split(','))
  })
  srf.on('error', events.onError)
  srf.on('close', () => {
    lost.emit('lost', watch.heardAtMs())
    events.onClose()
  })
  return {
    createUac: (uac, onProvisional) => createUac(client, uac, onProvisional),
    createUas: (request, response, send) => createUas(client, { request, response, send }),
    ping: (uri) => ping(client, uri),
    disconnect: watch.disconnect,
  }
}

/** With a callback, since the client's promise loses answers that come at once. */
function ping({ srf, lost }: Client, uri: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const end = (status: number | undefined) => {
      lost.off('lost', onLost)
      resolve(status)
    }
    const onLost = () => end(undefined)
    lost.once('lost', onLost)
    try {
      srf.request(uri, { method: 'OPTIONS' }, (error, request) => {
        if (error || !request) return end(undefined)
        return request.on('response', ({ status }: ReceivedResponse) => {
          if (status >= 200) end(status)
        })
      })
    } catch {
      end(undefined)
    }
  })
}

function createUas(
  client: Client,
  { request, response, send }: { request: SipRequest; response: SipResponse; send: SendOptions },
): Promise<UasOutcome> {
  const { srf, lost } = client
  return new Promise((resolve) => {
    const onLost = () => resolve({ kind: 'server_lost' })
    lost.once('lost', onLost)
    let isCancelled = false
    request.once('cancel', () => (isCancelled = true))
    const options = { headers: { ...send.headers }, localSdp: send.body }
    srf.createUAS(request, response, options, (error, raw) => {
      lost.off('lost', onLost)
      const read = async (): Promise<UasOutcome> => {
        if (raw) return { kind: 'answered', dialog: watchDialog(raw, client) }
        if (isCancelled || isTransactionOver(error)) return { kind: 'cancelled' }
        return isConnected(srf, request) ? { kind: 'failed', error } : { kind: 'server_lost' }
      }
      resolve(read())
    })
  })
}

/**
 * Whether the SIP server has ended the INVITE by itself. It does so for a CANCEL alone, and when that crosses our 200
 * it is all that is heard of it: the client forgets an INVITE as its 200 is written.
 */
const isTransactionOver = (error: unknown) => String(error).includes('unknown transaction')

/** Whether the connection is still there on which the request has come. */
function isConnected(srf: RawSrf, request: SipRequest): boolean {
  const { socket } = request as SipRequest & { readonly socket: Socket }
  return srf._app.client.mapServer.has(socket)
}

function createUac(
  client: Client,
  options: UacOptions,
  onProvisional: (response: ReceivedResponse) => void,
): Uac {
  const { srf, lost } = client
  let sent: RawRequest | undefined
  let cancelHeaders: Headers | undefined
  let isOver = false
  const cancelNow = () => {
    if (sent && cancelHeaders && !isOver) sent.cancel({ headers: cancelHeaders }, () => {})
  }
  const outcome = new Promise<UacOutcome>((resolve) => {
    const onLost = () => resolve({ kind: 'server_lost' })
    lost.once('lost', onLost)
    const progress = {
      cbRequest: (_error: Error | null, request?: RawRequest) => {
        sent = request
        request?.on('update', answerEarlyUpdate)
        cancelNow()
      },
      cbProvisional: (response: ReceivedResponse) =>
        inBackground(() => onProvisional(response), client.onFailure),
    }
    const { uri, headers, body, auth } = options
    const uacOptions = { headers: { ...headers }, localSdp: body, noAck: true }
    try {
      srf.createUAC(uri, uacOptions, progress, (error, created) => {
        isOver = true
        lost.off('lost', onLost)
        // In a promise of its own: what is thrown here would go through the client and end the process.
        const read = async (): Promise<UacOutcome> =>
          created ? answeredBy(created, auth, client) : failureOf(error)
        resolve(read())
      })
    } catch {
      onLost()
    }
  })
  return {
    outcome,
    cancel(headers) {
      cancelHeaders ??= headers
      cancelNow()
    },
  }
}

/** Without a response the SIP server could not even send the request. */
function failureOf(error: UacError | null): UacOutcome {
  const response = error?.res
  return { kind: 'failed', status: error?.status ?? 500, ...(response && { response }) }
}

function answeredBy(
  created: RawDialog | RawOffer,
  auth: UacOptions['auth'],
  client: Client,
): UacOutcome {
  if ('sdp' in created && !hasTarget(created.res)) {
    inBackground(() => created.destroy(), client.onFailure)
    return { kind: 'failed', status: 500, response: created.res }
  }
  return { kind: 'answered', answer: answerOf(created, auth, client) }
}

/** Without a Contact no dialog can be made; the client sees to that itself where the 2xx holds no offer. */
function hasTarget(response: ReceivedResponse): boolean {
  try {
    const [contact] = response.getParsedHeader('Contact') as readonly { readonly uri?: string }[]
    return contact?.uri !== undefined
  } catch {
    return false
  }
}

function answerOf(created: RawDialog | RawOffer, auth: UacOptions['auth'], client: Client): Answer {
  const watch = (raw: RawDialog) => watchDialog(raw, client, auth)
  if ('sdp' in created) {
    return {
      kind: 'offer',
      response: created.res,
      acknowledge: async (sdp) => watch(await created.ack(sdp)),
      abandon: () => inBackground(() => created.destroy(), client.onFailure),
    }
  }
  const { res } = created as RawDialog & { readonly res: ReceivedResponse }
  return { kind: 'confirmed', dialog: watch(created), response: res }
}
