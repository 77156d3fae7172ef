import { AppError } from '../domain/app-error.ts'
import { createEndpointHealth } from './endpoint-health.ts'
import { ALLOW } from './headers.ts'
import { startPings } from './pings.ts'
import { createReception, type ReceptionOptions } from './reception.ts'
import type { SipServer } from './server-watch.ts'
import { connectSipClient, type SipClient, type SipResponse } from './srf.ts'

export interface ControllerOptions extends Omit<ReceptionOptions, 'client' | 'health'> {
  readonly server: SipServer
  /** How long to wait for the first connection. */
  readonly connectTimeoutMs: number
}

export interface SipController {
  /** Where callers reach us, as the SIP server names it: `udp/127.0.0.1:5060`. */
  readonly hostports: readonly string[]
  readonly isConnected: () => boolean
  readonly liveCalls: () => number
  /** The UUIDs of live calls: from before their beginning is stored until their end is. */
  readonly liveCallUuids: () => ReadonlySet<string>
  /**
   * Takes no new calls, waits for live ones up to `limitMs`, hangs up the rest, and disconnects once every
   * call's end is stored or `limitMs` more have passed.
   */
  readonly close: (limitMs: number) => Promise<void>
}

/**
 * Connects to the SIP server and takes calls until it is closed.
 * @throws AppError where the server cannot be reached or refuses the secret
 */
export async function startController(options: ControllerOptions): Promise<SipController> {
  const { server, log } = options
  const state = { isConnected: false }
  const first = Promise.withResolvers<readonly string[]>()
  const onFailure = (error: unknown) => log.error('sip.unexpected_failure', { error })
  const health = createEndpointHealth(() => performance.now())
  const client: SipClient = connectSipClient(server, {
    onRequest: {
      invite: (request, response) => reception.receive(request, response),
      options: (_, response) => answerOptions(response, reception.isDraining()),
    },
    onConnect: (hostports) => {
      state.isConnected = true
      log.info('sip.connected', { hostports })
      first.resolve(hostports)
    },
    onRefused: (error) => first.reject(unreachable(server, error)),
    onError: (error) => log.warn('sip.connection_error', { error }),
    onFailure,
    onClose: () => {
      state.isConnected = false
      log.warn('sip.disconnected', {})
    },
  })
  const reception = createReception({ ...options, client, health })
  const timer = setTimeout(() => first.reject(unreachable(server)), options.connectTimeoutMs)
  const hostports = await first.promise.catch((error: unknown) => {
    client.disconnect()
    throw error
  })
  clearTimeout(timer)
  const buyers = () => options.directory().configuration.buyers
  const pings = startPings({
    client,
    health,
    isConnected: () => state.isConnected,
    buyers,
    random: options.random,
    onFailure,
  })

  return {
    hostports,
    isConnected: () => state.isConnected,
    liveCalls: reception.liveCalls,
    liveCallUuids: reception.liveCallUuids,
    async close(limitMs) {
      pings.close()
      await reception.close(limitMs)
      client.disconnect()
    },
  }
}

/** A carrier asks whether we are up; one that hears 503 sends its calls elsewhere. */
function answerOptions(response: SipResponse, isDraining: boolean): void {
  if (isDraining) response.send(503, { headers: { 'Retry-After': '10' } })
  else response.send(200, { headers: { Allow: ALLOW, Accept: 'application/sdp' } })
}

function unreachable(server: { host: string; port: number }, cause?: Error): AppError {
  const address = `${server.host}:${server.port}`
  const what = cause
    ? `The SIP server at ${address} refused the secret: set DRACHTIO_SECRET to the one it was started with.`
    : `The SIP server at ${address} cannot be reached: start it, or correct DRACHTIO_HOST and DRACHTIO_PORT.`
  return new AppError('drachtio_unreachable', what, { cause })
}
