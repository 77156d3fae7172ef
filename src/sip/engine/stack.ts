import type { Application } from './control/applications.ts'
import type { SipMessageFrame } from './control/messages.ts'
import { type ControlServer, startControlServer } from './control/server.ts'
import { answerFromApplication } from './core/answer.ts'
import { applicationGone } from './core/application-gone.ts'
import { type Counters, createCounters } from './core/counters.ts'
import { requestFromApplication } from './core/request.ts'
import type { Core } from './core/state.ts'
import { createCore } from './create-core.ts'
import { bracketed } from './message/uri.ts'
import type { CertificateFacts, EngineOptions, EngineStats } from './options.ts'
import { reportsTo, type Shield } from './reports.ts'
import { type Clock, MACHINE_CLOCK } from './transaction/clock.ts'
import { listenOnAll, notListening } from './transport/listen.ts'
import { CONNECTION_LIMITS } from './transport/streams.ts'
import type { TlsListener } from './transport/tls.ts'
import type { Listener, ListenerSizes, TransportName } from './transport/transport.ts'

/** Where an engine listens, free ports filled in. */
export interface Addresses {
  readonly admin: { readonly host: string; readonly port: number }
  readonly sip: readonly {
    readonly transport: TransportName
    readonly host: string
    readonly port: number
  }[]
  /** The certificate that is shown over TLS; undefined without TLS. */
  readonly certificate: CertificateFacts | undefined
}

/** The engine in the thread of whoever started it. */
export interface Stack extends Addresses {
  readonly stats: () => EngineStats
  /** Lifts the limit of requests for these ranges only; one that cannot be read is a fault. */
  readonly setExempt: (ranges: readonly string[]) => void
  /**
   * Reads the certificate of TLS, its key and the authorities again; connections stay up.
   * @throws an Error of one sentence if they cannot be used; then those read before hold
   */
  readonly reloadCertificate: () => CertificateFacts | undefined
  readonly close: () => Promise<void>
}

/** Whom a stack tells, and what time it lives by. */
export interface Surroundings {
  /** Told of every error that a message or a timer caused and nobody foresaw. */
  readonly onFault?: ((error: unknown) => void) | undefined
  /** Told of what an operator can mend, in one sentence. */
  readonly onWarning?: ((sentence: string) => void) | undefined
  readonly clock?: Clock | undefined
}

/**
 * Starts the SIP stack in this thread. The worker does so, and tests do.
 *
 * @throws an Error of one sentence if an address cannot be listened on
 */
export async function startStack(
  options: EngineOptions,
  { clock = MACHINE_CLOCK, onFault = ignore, onWarning = ignore }: Surroundings = {},
): Promise<Stack> {
  const counters = createCounters()
  const shield = createShield(counters, onFault)
  const listeners: (Listener | TlsListener)[] = []
  const control = await listenForApplications(options, listeners, {
    onSip: (application, frame) => {
      shield.run(() => {
        receiveFromApplication(core, application, frame)
      })
    },
    onGone: (application) => {
      shield.run(() => {
        applicationGone(core, application)
      })
    },
  })
  const { run } = shield
  const core = createCore(options, { clock, counters, listeners, run, routes: control.routes })
  const close = async (): Promise<void> => {
    shield.close()
    core.wheel.close()
    core.resolver.close()
    await Promise.all([control.close(), ...listeners.map(async (listener) => listener.close())])
  }
  try {
    const reports = reportsTo(core, shield, onWarning)
    const connections = { ...CONNECTION_LIMITS, ...options.connections }
    listeners.push(...(await listenOnAll(options.sip, { connections, tls: options.tls }, reports)))
  } catch (error) {
    await close()
    throw error
  }
  const { host, port } = control
  return {
    admin: { host, port },
    sip: listeners.map(({ transport, host, port }) => ({ transport, host, port })),
    certificate: tlsOf(listeners)[0]?.certificate(),
    stats: () => statsOf(core, control),
    setExempt: (ranges) => {
      shield.run(() => {
        core.guard.setExempt(ranges)
      })
    },
    reloadCertificate: () => {
      for (const { reload } of tlsOf(listeners)) reload()
      return tlsOf(listeners)[0]?.certificate()
    },
    close,
  }
}

const ignore = (): void => undefined

const tlsOf = (listeners: readonly (Listener | TlsListener)[]): readonly TlsListener[] =>
  listeners.filter((listener) => 'reload' in listener)

/** A mistake of ours that one message brings to light must not take every other call down. */
function createShield(counters: Counters, onFault: (error: unknown) => void): Shield {
  let isClosed = false
  return {
    run: (work) => {
      if (isClosed) return
      try {
        work()
      } catch (error) {
        counters.faults++
        onFault(error)
      }
    },
    close: () => {
      isClosed = true
    },
  }
}

function receiveFromApplication(
  core: Core,
  application: Application,
  frame: SipMessageFrame,
): void {
  if (frame.text.startsWith('SIP/2.0')) answerFromApplication(core, application, frame)
  else requestFromApplication(core, application, frame)
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
    names: core.resolver.size(),
    ...sizesOf(core.listeners),
  }
  return { tables, counters: { ...core.counters } }
}

function sizesOf(listeners: readonly Listener[]): ListenerSizes {
  const sizes = listeners.map((listener) => listener.sizes())
  const sum = (name: keyof ListenerSizes): number =>
    sizes.reduce((total, ofOne) => total + ofOne[name], 0)
  return {
    sockets: sum('sockets'),
    connections: sum('connections'),
    connectionKeys: sum('connectionKeys'),
    connectionPlaces: sum('connectionPlaces'),
    connectionSources: sum('connectionSources'),
  }
}
