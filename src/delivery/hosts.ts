/** How many requests a host may be sent, now that some are on their way and some have failed. */
export interface HostLimits {
  /** The hosts that may be given fewer than `perHostMax`, and how many. */
  slots(): ReadonlyMap<string, number>
  /** Whether a host may have no more because of what it has in flight; a pause does not count. */
  anyFull(): boolean
  started(host: string): void
  /**
   * `answered`: the host sent a whole answer, whichever; undefined where nothing was sent after all.
   * Gives what that did to its circuit.
   */
  ended(host: string, answered: boolean | undefined): CircuitChange
}

/** What an attempt did to the circuit of its host. */
export type CircuitChange =
  | { readonly kind: 'none' }
  | { readonly kind: 'opened'; readonly pauseMs: number }
  | { readonly kind: 'closed' }

/** What is known about a host. */
export interface HostState {
  readonly inFlight: number
  /** In a row. */
  readonly unanswered: number
  /** On the monotonic clock: before this nothing is sent. */
  readonly openUntilMs: number
}

/** From this many requests without an answer in a row, a host is paused. */
const UNANSWERED_MAX = 3
const PAUSE_MS_MIN = 5_000
const PAUSE_MS_MAX = 60_000
/** Hosts that are remembered; beyond that those that were quiet for longest are forgotten. */
const HOSTS_MAX = 10_000

const QUIET: HostState = { inFlight: 0, unanswered: 0, openUntilMs: 0 }

/**
 * How many more requests may go to a host: the cap less what is in flight; none while its circuit
 * is open; then one probe at a time until something is answered. Deliveries that wait for a paused
 * host use up no attempts, so an outage is followed by a drain in order, not by dead letters.
 * @see behaviour B14
 */
export function decideSlots(state: HostState, perHostMax: number, nowMs: number): number {
  if (state.unanswered < UNANSWERED_MAX) return Math.max(0, perHostMax - state.inFlight)
  if (nowMs < state.openUntilMs) return 0
  return state.inFlight === 0 ? 1 : 0
}

/** The state after a request has ended: each failed probe doubles the pause, up to a minute. */
export function afterRequest(
  state: HostState,
  answered: boolean | undefined,
  nowMs: number,
): HostState {
  const inFlight = Math.max(0, state.inFlight - 1)
  if (answered === undefined) return { ...state, inFlight }
  if (answered) return { ...QUIET, inFlight }
  // Requests that were sent together fail together: only the first of them opens the circuit.
  if (nowMs < state.openUntilMs) return { ...state, inFlight }
  const unanswered = state.unanswered + 1
  if (unanswered < UNANSWERED_MAX) return { ...state, inFlight, unanswered }
  return { inFlight, unanswered, openUntilMs: nowMs + pauseAfter(unanswered) }
}

function pauseAfter(unanswered: number): number {
  return Math.min(PAUSE_MS_MIN * 2 ** (unanswered - UNANSWERED_MAX), PAUSE_MS_MAX)
}

/** Keeps the state of every host that is busy or in trouble, for one process. */
export function createHostLimits(
  perHostMax: number,
  monotonicMs: () => number = () => performance.now(),
): HostLimits {
  const hosts = new Map<string, HostState>()

  function remember(host: string, state: HostState): void {
    hosts.delete(host)
    if (state.inFlight > 0 || state.unanswered > 0) hosts.set(host, state)
    if (hosts.size <= HOSTS_MAX) return
    const idle = [...hosts].find(([, { inFlight }]) => inFlight === 0)
    if (idle) hosts.delete(idle[0])
  }

  return {
    slots() {
      const nowMs = monotonicMs()
      const left = [...hosts].map(
        ([host, state]) => [host, decideSlots(state, perHostMax, nowMs)] as const,
      )
      return new Map(left.filter(([, count]) => count !== perHostMax))
    },
    anyFull() {
      const nowMs = monotonicMs()
      return hosts
        .values()
        .some((state) => state.inFlight > 0 && decideSlots(state, perHostMax, nowMs) === 0)
    },
    started(host) {
      const state = hosts.get(host) ?? QUIET
      remember(host, { ...state, inFlight: state.inFlight + 1 })
    },
    ended(host, answered) {
      const before = hosts.get(host) ?? QUIET
      const after = afterRequest(before, answered, monotonicMs())
      remember(host, after)
      return changeOf(before, after)
    },
  }
}

function changeOf(before: HostState, after: HostState): CircuitChange {
  if (after.openUntilMs > before.openUntilMs) {
    return { kind: 'opened', pauseMs: pauseAfter(after.unanswered) }
  }
  return before.unanswered >= UNANSWERED_MAX && after.unanswered === 0
    ? { kind: 'closed' }
    : { kind: 'none' }
}
