import { admit } from './core/admit.ts'
import { isConnectionInUse } from './core/in-use.ts'
import { receive } from './core/receive.ts'
import type { Core } from './core/state.ts'
import { type Hop, hopKey, type Reports } from './transport/transport.ts'

/** Runs whatever comes from outside: a mistake of ours must not take everything else down. */
export interface Shield {
  readonly run: (work: () => void) => void
  /** From now on nothing is run. */
  readonly close: () => void
}

/**
 * What transports tell the core. Refusals come one for each packet; the requests under way are
 * looked through once for all that came in one turn of the event loop.
 */
export function reportsTo(
  core: Core,
  shield: Pick<Shield, 'run'>,
  warn: (sentence: string) => void,
): Reports {
  const refused = new Map<string, Hop>()
  const failRefused = (): void => {
    const hops = [...refused.values()]
    refused.clear()
    for (const hop of hops)
      shield.run(() => {
        core.transactions.failHop(hop)
      })
  }
  return {
    receive: (text, from, listener) => {
      shield.run(() => {
        receive(core, text, from, listener)
      })
    },
    unreachable: (to) => {
      if (refused.size === 0) setImmediate(failRefused)
      refused.set(hopKey(to), to)
    },
    isNeeded: (hop, listener) => isConnectionInUse(core, hop, listener),
    isWelcome: (address) => !core.guard.isBanned(address) && admit(core, address) === 'admit',
    isExempt: core.guard.isExempt,
    count: (counter) => {
      core.counters[counter]++
    },
    warn,
  }
}
