import { randomBytes } from 'node:crypto'
import type { Config } from './config.ts'
import { AppError } from './domain/app-error.ts'
import type { Logger } from './telemetry/logger.ts'
import { type Engine, type EngineOptions, startEngine } from './sip/engine/engine.ts'

/** The SIP engine of this process, kept running. */
export interface EmbeddedEngine {
  readonly server: { readonly host: string; readonly port: number; readonly secret: string }
  /** Lifts the limit of requests for these addresses and CIDR ranges, the trunks' own. */
  readonly setExempt: (ranges: readonly string[]) => void
  readonly close: () => Promise<void>
}

/**
 * Starts the embedded engine on the configured addresses, and again on the same ones should it ever end by
 * itself; the controller then connects anew.
 * @throws AppError where an address is taken
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
  const listen = (addresses: Pick<EngineOptions, 'sip' | 'admin'>) =>
    startEngine({ ...addresses, secret, guard: { exempt }, ...(timers && { timers }) }, (error) =>
      log.error('engine.fault', { error }),
    )
  const { host, port, transports } = sip
  let engine = await listen({
    sip: transports.map((transport) => ({ transport, host, port })),
    admin: { host: '127.0.0.1', port: 0 },
  }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('port_in_use', `${reason} Set SIP_HOST and SIP_PORT to free ones.`, {
      cause: error,
    })
  })
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
    setExempt(ranges) {
      exempt = ranges
      engine.setExempt(ranges)
    },
    close() {
      isClosing = true
      return engine.close()
    },
  }
}
