import { type EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import Srf from 'drachtio-srf'
import type { Stack } from '../../../../src/sip/engine/stack.ts'

/** A connected drachtio-srf application; untyped where the library's own types are wrong. */
export interface SrfApplication {
  readonly srf: SrfLike
  /** Ends the connection as a crash would. */
  readonly kill: () => void
}

export interface Req {
  readonly method: string
  readonly uri: string
  readonly body: string
  readonly source: string
  get(name: string): string
  on(event: string, listener: (message: Req) => void): void
  cancel(callback?: (error: unknown, request: Req) => void): void
}

export interface Res {
  readonly status: number
  readonly body: string
  get(name: string): string
  send(status: number, ...rest: unknown[]): void
}

export interface Dlg {
  readonly sip: { readonly callId: string; readonly localTag: string; readonly remoteTag: string }
  readonly remote: { readonly sdp: string; readonly uri: string }
  readonly local: { readonly sdp: string }
  readonly connected: boolean
  on(event: 'destroy', listener: (message: Req, reason: string) => void): void
  on(event: string, listener: (req: Req, res: Res) => void): void
  destroy(options?: object): Promise<unknown>
  modify(sdp: string): Promise<string>
  request(options: object): Promise<Res>
}

export interface SrfLike {
  connect(options: object): void
  disconnect(): void
  use(method: string, handler: (req: Req, res: Res) => void): void
  on(event: string, listener: (...args: unknown[]) => void): void
  createUAS(req: Req, res: Res, options: object): Promise<Dlg>
  createUAC(uri: string, options: object, callbacks?: object): Promise<Dlg>
  createB2BUA(
    req: Req,
    res: Res,
    uri: string,
    options?: object,
    callbacks?: object,
  ): Promise<{ readonly uas: Dlg; readonly uac: Dlg }>
  request(
    uri: string,
    options: object,
    callback: (
      error: Error | null,
      request: { on(event: string, listener: (res: Res) => void): void },
    ) => void,
  ): void
}

/** What an application is to answer the next re-INVITE of a call with. */
export function nextModification(dialog: Dlg): Promise<Res> {
  const { promise, resolve } = Promise.withResolvers<Res>()
  dialog.on('modify', (_req, res) => {
    resolve(res)
  })
  return promise
}

export type Handler = (req: Req, res: Res) => void

/** Connects an application to a stack and waits until it is let in. */
export async function connectApplication(
  stack: Pick<Stack, 'admin'>,
  methods: Readonly<Record<string, Handler>> = {},
  secret = 'secret',
): Promise<SrfApplication> {
  const srf = new Srf() as unknown as SrfLike & EventEmitter & Inside
  for (const [method, handler] of Object.entries(methods)) srf.use(method, handler)
  srf.on('error', () => undefined)
  const connected = once(srf, 'connect')
  srf.connect({ ...stack.admin, secret })
  const [error] = (await connected) as [Error | null]
  const kill = (): void => {
    const { mapServer, wp } = srf._app.client
    wp.closing = true // no second connection
    for (const socket of mapServer.keys()) socket.destroy()
  }
  if (error) {
    kill()
    throw error
  }
  return { srf, kill }
}

/** The one part of the library's inside that a test has to reach: its sockets, to cut them. */
interface Inside {
  readonly _app: {
    readonly client: {
      readonly mapServer: ReadonlyMap<Socket, unknown>
      readonly wp: { closing: boolean }
    }
  }
}
