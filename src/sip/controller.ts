import type { Trunk } from '../domain/campaign.ts'
import { AppError } from '../domain/app-error.ts'
import type { ConfigurationSnapshot } from '../domain/configuration-snapshot.ts'
import { admit } from './admission.ts'
import { runCall } from './invite.ts'
import type { IncomingCall, InviteDeps, LiveCall } from './live-call.ts'
import { connectSipClient, type SipClient, type SipRequest, type SipResponse } from './srf.ts'
import { type TrunkFinder, trunkFinder } from './trunk.ts'

/** What calls are routed by; a new object whenever the configuration changes. */
export type Directory = Pick<ConfigurationSnapshot, 'trunks' | 'findNumber' | 'buyer'>

export interface ControllerOptions extends Omit<InviteDeps, 'client' | 'findBuyer'> {
  readonly server: { readonly host: string; readonly port: number; readonly secret: string }
  readonly directory: () => Directory
  /** How long to wait for the first connection. */
  readonly connectTimeoutMs: number
}

export interface SipController {
  /** Where callers reach us, as the SIP server names it: `udp/127.0.0.1:5060`. */
  readonly hostports: readonly string[]
  readonly isConnected: () => boolean
  readonly liveCalls: () => number
  /**
   * Takes no new calls, waits for live ones up to `limitMs`, hangs up the rest, and disconnects once every
   * call's end is stored or `limitMs` more have passed.
   */
  readonly close: (limitMs: number) => Promise<void>
}

const ALLOW = 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE'

/**
 * Connects to the SIP server and takes calls until it is closed.
 * @throws AppError where the server cannot be reached or refuses the secret
 */
export async function startController(options: ControllerOptions): Promise<SipController> {
  const { server, log } = options
  const live = new Map<LiveCall, Promise<void>>()
  const state = { isDraining: false, isConnected: false }
  const first = Promise.withResolvers<readonly string[]>()
  const findTrunk = trunkFinderOf(options.directory)

  const onInvite = (request: SipRequest, response: SipResponse) => {
    const admission = admit(request, {
      isDraining: state.isDraining,
      findTrunk: findTrunk(),
      findNumber: (e164) => options.directory().findNumber(e164),
    })
    if (admission.kind === 'refused') {
      const { status, reason, headers } = admission
      log.info('call.refused', { status, reason, source: request.source_address })
      response.send(status, headers ? { headers } : {})
      return
    }
    const deps = { ...options, client, findBuyer: options.directory().buyer }
    take(deps, { request, response, admitted: admission })
  }
  const take = (deps: InviteDeps, incoming: IncomingCall) => {
    let call: LiveCall | undefined
    const over = runCall(deps, incoming, (begun) => (call = begun))
      .catch((error: unknown) => {
        log.error('call.failed', { call_uuid: call?.callUuid, error })
        if (!incoming.response.finalResponseSent) incoming.response.send(500)
      })
      .finally(() => call && live.delete(call))
    if (call) live.set(call, over)
  }

  const client: SipClient = connectSipClient(server, {
    onRequest: {
      invite: onInvite,
      options: (_, response) => answerOptions(response, state.isDraining),
    },
    onConnect: (hostports) => {
      state.isConnected = true
      log.info('sip.connected', { hostports })
      first.resolve(hostports)
    },
    onRefused: (error) => first.reject(unreachable(server, error)),
    onError: (error) => log.warn('sip.connection_error', { error }),
    onClose: () => {
      state.isConnected = false
      log.warn('sip.disconnected', {})
    },
  })
  const timer = setTimeout(() => first.reject(unreachable(server)), options.connectTimeoutMs)
  const hostports = await first.promise.catch((error: unknown) => {
    client.disconnect()
    throw error
  })
  clearTimeout(timer)

  return {
    hostports,
    isConnected: () => state.isConnected,
    liveCalls: () => live.size,
    async close(limitMs) {
      state.isDraining = true
      await within(limitMs, Promise.all(live.values()))
      for (const call of live.keys()) call.hangUp('draining')
      await within(limitMs, Promise.all(live.values()))
      client.disconnect()
    },
  }
}

/** The trunks' address lists, prepared again only when the configuration has changed. */
function trunkFinderOf(directory: () => Directory): () => TrunkFinder {
  let trunks: readonly Trunk[] | undefined
  let finder: TrunkFinder
  return () => {
    const now = directory().trunks
    if (now !== trunks) {
      trunks = now
      finder = trunkFinder(now)
    }
    return finder
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

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>()
  const timer = setTimeout(limit.resolve, limitMs)
  await Promise.race([work, limit.promise])
  clearTimeout(timer)
}
