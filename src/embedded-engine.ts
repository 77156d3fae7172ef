import { randomBytes } from 'node:crypto'
import type { Config } from './config.ts'
import { AppError } from './domain/app-error.ts'
import { keepRunning } from './sip/engine/keep-running.ts'
import { reachedAs, sipAddresses } from './sip/engine/sip-addresses.ts'
import type { Logger } from './telemetry/logger.ts'
import {
  type CertificateFacts,
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

/** How long to wait before the next attempt, where the engine cannot be started again. */
const RETRY_MS = 5_000

/**
 * Starts the embedded engine on the configured addresses, and again on the same ones should it ever end by
 * itself, as often as that has to be tried; the controller then connects anew.
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
  const first = await listen({
    sip: sipAddresses({ ...sip, tlsPort: tls?.port ?? sip.port }),
    admin: { host: '127.0.0.1', port: 0 },
  }).catch(explain)
  logCertificate(log, first.certificate)
  const { admin } = first
  const kept = keepRunning(first, {
    start: () =>
      listen({ sip: first.sip.map((address) => reachedAs(sip.publicHost, address)), admin }),
    // What it was told while it started, the one before it has got.
    onStart: (engine) => engine.setExempt(exempt),
    onEnd: (error) => log.error('engine.ended', { error }),
    onFailure: (error) => log.error('engine.gone', { error }),
    retryMs: RETRY_MS,
  })
  return {
    server: { ...admin, secret },
    stats: () => kept.current().stats(),
    setExempt(ranges) {
      exempt = ranges
      kept.current().setExempt(ranges)
    },
    reloadCertificate: () =>
      kept
        .current()
        .reloadCertificate()
        .then(
          (certificate) => logCertificate(log, certificate),
          (error: unknown) => log.error('engine.certificate_refused', { error }),
        ),
    close: kept.close,
  }
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
