import { randomBytes } from 'node:crypto'
import type { Config } from './config.ts'
import { AppError } from './domain/app-error.ts'
import type { Logger } from './telemetry/logger.ts'
import {
  type CertificateFacts,
  type Engine,
  type EngineOptions,
  type EngineStats,
  startEngine,
} from './sip/engine/engine.ts'

/** The SIP engine of this process, kept running. */
export interface EmbeddedEngine {
  readonly server: { readonly host: string; readonly port: number; readonly secret: string }
  /** Sizes of its tables, and what it has counted since it was last started. */
  readonly stats: () => Promise<EngineStats>
  /** Lifts the limit of requests for these addresses and CIDR ranges, the trunks' own. */
  readonly setExempt: (ranges: readonly string[]) => void
  /** Reads the certificate of TLS again; the log says what has come of it, and calls stay up. */
  readonly reloadCertificate: () => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Starts the embedded engine on the configured addresses, and again on the same ones should it ever end by
 * itself; the controller then connects anew.
 * @throws AppError where an address is taken or the certificate of TLS cannot be used
 */
export async function startEmbeddedEngine(
  sip: Config['sip'],
  options: {
    readonly timers?: EngineOptions['timers']
    /** Addresses and CIDR ranges that may send as much as they like. */
    readonly exempt?: readonly string[]
    readonly log: Logger
  },
): Promise<EmbeddedEngine> {
  const { timers, log } = options
  let exempt = options.exempt ?? []
  const secret = randomBytes(16).toString('hex')
  const { nameServers, tls } = sip
  const common = { secret, ...(timers && { timers }), ...(nameServers && { nameServers }) }
  const listen = (addresses: Pick<EngineOptions, 'sip' | 'admin'>) =>
    startEngine(
      { ...common, ...addresses, guard: { exempt, exemptLoopback: false }, ...(tls && { tls }) },
      (error) => log.error('engine.fault', { error }),
      (warning) => log.warn('engine.warning', { warning }),
    )
  let engine = await listen({
    sip: addressesOf(sip),
    admin: { host: '127.0.0.1', port: 0 },
  }).catch(explain)
  logCertificate(log, engine.certificate)
  const { admin } = engine
  let isClosing = false
  const keepRunning = async (running: Engine): Promise<void> => {
    const error = await running.exited
    if (isClosing) return
    log.error('engine.ended', { error })
    engine = await listen({ sip: running.sip, admin })
    return keepRunning(engine)
  }
  keepRunning(engine).catch((error: unknown) => log.error('engine.gone', { error }))
  return {
    server: { ...admin, secret },
    stats: () => engine.stats(),
    setExempt(ranges) {
      exempt = ranges
      engine.setExempt(ranges)
    },
    reloadCertificate: () =>
      engine.reloadCertificate().then(
        (certificate) => logCertificate(log, certificate),
        (error: unknown) => log.error('engine.certificate_refused', { error }),
      ),
    close() {
      isClosing = true
      return engine.close()
    },
  }
}

function addressesOf({ host, port, tls, transports }: Config['sip']): EngineOptions['sip'] {
  return transports.map((transport) => ({
    transport,
    host,
    port: transport === 'tls' && tls ? tls.port : port,
  }))
}

function explain(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (!reason.startsWith('Cannot listen'))
    throw new AppError('invalid_configuration', reason, { cause })
  throw new AppError('port_in_use', `${reason} Set SIP_HOST and SIP_PORT to free ones.`, { cause })
}

/** An expired one is used all the same: some would rather be called than be trusted. */
function logCertificate(log: Logger, certificate: CertificateFacts | undefined): void {
  if (!certificate) return
  const hasExpired = certificate.expiresAt.getTime() < Date.now()
  if (hasExpired) log.warn('engine.certificate_expired', certificate)
  else log.info('engine.certificate_read', certificate)
}
