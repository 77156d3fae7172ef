import { isIPv6 } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type ControlServer, startControlServer } from './control/server.ts'
import { answerFromApplication } from './core/answer.ts'
import { applicationGone } from './core/application-gone.ts'
import { createCounters } from './core/counters.ts'
import { receive } from './core/receive.ts'
import { requestFromApplication } from './core/request.ts'
import type { Core, Settings } from './core/state.ts'
import { createGuard, GUARD_DEFAULTS } from './guard.ts'
import { bracketed } from './message/uri.ts'
import type { EngineOptions, EngineStats, SipAddress } from './options.ts'
import { createTransactionLayer } from './transaction/layer.ts'
import { createWheel } from './transaction/wheel.ts'
import {
  type Hop,
  hopKey,
  type Listener,
  type Reports,
  type TransportName,
} from './transport/transport.ts'
import { listenTcp } from './transport/tcp.ts'
import { listenUdp } from './transport/udp.ts'

/** Where an engine listens, free ports filled in. */
export interface Addresses {
  readonly admin: { readonly host: string; readonly port: number }
  readonly sip: readonly {
    readonly transport: TransportName
    readonly host: string
    readonly port: number
  }[]
}

/** The engine in the thread of whoever started it. */
export interface Stack extends Addresses {
  readonly stats: () => EngineStats
  readonly close: () => Promise<void>
}

/**
 * Starts the SIP stack in this thread. The worker does so, and tests do.
 *
 * @param onFault told of every error that a message or a timer caused and nobody foresaw
 * @throws an Error of one sentence if an address cannot be listened on
 */
export async function startStack(
  options: EngineOptions,
  onFault: (error: unknown) => void = () => undefined,
): Promise<Stack> {
  const settings = settingsOf(options)
  const listeners: Listener[] = []
  const counters = createCounters()
  let closing = false
  // A mistake of ours that one message brings to light must not take every other call down.
  const guarded = (work: () => void): void => {
    if (closing) return
    try {
      work()
    } catch (error) {
      counters.faults++
      onFault(error)
    }
  }
  const tickMs = tickMsOf(settings.timers.t1Ms)
  const wheel = createWheel({ tickMs, now: () => performance.now(), run: guarded })
  const transactions = createTransactionLayer(settings.timers, wheel)
  const guard = createGuard({ ...GUARD_DEFAULTS, ...options.guard }, () => performance.now())
  const control = await listenForApplications(options, listeners, {
    onSip: (application, frame) => {
      guarded(() => {
        if (frame.text.startsWith('SIP/2.0')) answerFromApplication(core, application, frame)
        else requestFromApplication(core, application, frame)
      })
    },
    onGone: (application) => {
      guarded(() => {
        applicationGone(core, application)
      })
    },
  })
  const core: Core = {
    settings,
    wheel,
    transactions,
    listeners,
    guard,
    counters,
    routes: control.routes,
    dialogs: new Map(),
    serverRequests: new Map(),
    txnByKey: new Map(),
    requestsSeen: new Map(),
    invitations: new Map(),
    invitationsByDialog: new Map(),
    clientRequests: new Set(),
  }
  const reports: Reports = {
    receive: (text, from, listener) => {
      guarded(() => {
        receive(core, text, from, listener)
      })
    },
    unreachable: failSoon(core, guarded),
  }
  const close = async (): Promise<void> => {
    closing = true
    wheel.close()
    await Promise.all([control.close(), ...listeners.map((listener) => listener.close())])
  }
  try {
    for (const address of options.sip) listeners.push(await listenOn(address, reports))
  } catch (error) {
    await close()
    throw error
  }
  const { host, port } = control
  return {
    admin: { host, port },
    sip: listeners.map(({ transport, host, port }) => ({ transport, host, port })),
    stats: () => statsOf(core, control),
    close,
  }
}

function settingsOf(options: EngineOptions): Settings {
  const { timers = {}, limits = {} } = options
  return {
    timers: { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000, timerCMs: 200_000, ...timers },
    graceMs: options.graceMs ?? 0,
    applicationPatienceMs: options.applicationPatienceMs ?? 60_000,
    limits: { dialogs: 100_000, transactions: 400_000, ...limits },
  }
}

/** Fine enough for the shortest timer, coarse enough to cost nothing. */
function tickMsOf(t1Ms: number): number {
  return Math.min(10, Math.max(1, Math.floor(t1Ms / 5)))
}

async function listenForApplications(
  options: EngineOptions,
  listeners: readonly Listener[],
  events: Parameters<typeof startControlServer>[1],
): Promise<ControlServer> {
  const { admin, secret } = options
  const hostports = (): string =>
    listeners
      .map(({ transport, sentBy }) => `${transport}/${bracketed(sentBy.host)}:${sentBy.port}`)
      .join(',')
  try {
    return await startControlServer({ ...admin, secret, hostports }, events)
  } catch (error) {
    throw notListening('control port', admin, error)
  }
}

async function listenOn(address: SipAddress, reports: Reports): Promise<Listener> {
  const { host, port, publicHost, transport } = address
  if (transport === 'tls')
    throw new Error(
      `SIP over ${transport} is not supported by the embedded engine yet: ` +
        'leave it out of SIP_TRANSPORTS or connect a drachtio-server.',
    )
  try {
    const listen = transport === 'udp' ? listenUdp : listenTcp
    return await listen({ host, port, publicHost }, reports)
  } catch (error) {
    throw notListening(transport, { host, port }, error)
  }
}

function notListening(
  what: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: unknown,
): Error {
  const place = `${what}/${isIPv6(host) ? `[${host}]` : host}:${port}`
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const reason =
    code === 'EADDRINUSE'
      ? 'another program has it: stop that or choose another port.'
      : `${cause instanceof Error ? cause.message : String(cause)}.`
  return new Error(`Cannot listen on ${place}: ${reason}`, { cause })
}

/**
 * Refusals of many packets come one by one; the requests under way are looked through once for all
 * that came in one turn of the event loop.
 */
function failSoon(core: Core, guarded: (work: () => void) => void): (to: Hop) => void {
  const hops = new Map<string, Hop>()
  return (to) => {
    if (hops.size === 0)
      setImmediate(() => {
        const failed = [...hops.values()]
        hops.clear()
        for (const hop of failed)
          guarded(() => {
            core.transactions.failHop(hop)
          })
      })
    hops.set(hopKey(to), to)
  }
}

function statsOf(core: Core, control: ControlServer): EngineStats {
  const { client, server } = core.transactions.sizes()
  const tables = {
    serverTransactions: server,
    clientTransactions: client,
    dialogs: core.dialogs.size,
    serverRequests: core.serverRequests.size,
    txnByKey: core.txnByKey.size,
    requestsSeen: core.requestsSeen.size,
    invitations: core.invitations.size,
    invitationsByDialog: core.invitationsByDialog.size,
    clientRequests: core.clientRequests.size,
    timers: core.wheel.size(),
    applications: control.connections(),
    sources: core.guard.size(),
    sockets: core.listeners.reduce((sum, listener) => sum + listener.sockets(), 0),
  }
  return { tables, counters: { ...core.counters } }
}
