import type { Core, Settings } from './core/state.ts'
import { createGuard, GUARD_DEFAULTS } from './guard.ts'
import type { EngineOptions } from './options.ts'
import type { Clock } from './transaction/clock.ts'
import { createTransactionLayer } from './transaction/layer.ts'
import { createWheel } from './transaction/wheel.ts'
import { openHostResolver } from './transport/resolve.ts'

/** What a core is given, besides what its options say. */
export type CoreParts = Pick<Core, 'counters' | 'listeners' | 'routes' | 'run'> & {
  readonly clock: Clock
}

/** Builds a core that knows of no call yet; its wheel and its resolver are to be closed. */
export function createCore(options: EngineOptions, { clock, ...given }: CoreParts): Core {
  const settings = settingsOf(options)
  const tickMs = tickMsOf(settings.timers.t1Ms)
  const wheel = createWheel({ tickMs, clock, run: given.run })
  return {
    ...given,
    settings,
    wheel,
    transactions: createTransactionLayer(settings.timers, wheel),
    resolver: openHostResolver(options.nameServers, clock.now),
    guard: createGuard({ ...GUARD_DEFAULTS, ...options.guard }, clock.now),
    dialogs: new Map(),
    serverRequests: new Map(),
    txnByKey: new Map(),
    requestsSeen: new Map(),
    invitations: new Map(),
    invitationsByDialog: new Map(),
    clientRequests: new Set(),
  }
}

function settingsOf(options: EngineOptions): Settings {
  const { timers = {}, limits = {} } = options
  const { secondMs = 1_000, ...base } = timers
  return {
    timers: { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000, timerCMs: 200_000, ...base },
    secondMs,
    graceMs: options.graceMs ?? 0,
    applicationPatienceMs: options.applicationPatienceMs ?? 60_000,
    limits: { dialogs: 100_000, transactions: 400_000, ...limits },
  }
}

/** Fine enough for the shortest timer; every tick wakes the process, so no finer. */
function tickMsOf(t1Ms: number): number {
  return Math.min(20, Math.max(1, Math.floor(t1Ms / 25)))
}
