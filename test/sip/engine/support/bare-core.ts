import { type Application, createRoutes } from '../../../../src/sip/engine/control/applications.ts'
import { createCounters } from '../../../../src/sip/engine/core/counters.ts'
import type { Core } from '../../../../src/sip/engine/core/state.ts'
import { createCore } from '../../../../src/sip/engine/create-core.ts'
import type { EngineOptions } from '../../../../src/sip/engine/options.ts'
import { type Listener, NO_STREAMS } from '../../../../src/sip/engine/transport/transport.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { SHORT_TIMERS } from './world.ts'

/** A core without sockets: what comes in is handed to it, what would go out is kept. */
export interface BareCore {
  readonly core: Core
  readonly clock: TestClock
  readonly listener: Listener
  /** What was sent, oldest first. */
  readonly sent: string[]
  /** Payloads that its one application was sent, which takes INVITEs. */
  readonly told: string[]
  /** What its timers threw. */
  readonly faults: unknown[]
  /** The tables of calls that are not empty. */
  readonly left: () => readonly string[]
  readonly close: () => void
}

/** Makes one; `onSend` is called before a message is kept. */
export function openBareCore(
  options: Partial<EngineOptions> = {},
  onSend: (text: string) => void = () => undefined,
): BareCore {
  const [sent, told, faults]: [string[], string[], unknown[]] = [[], [], []]
  const clock = createTestClock()
  const listener: Listener = {
    ...PLACE,
    send: (text) => {
      onSend(text)
      sent.push(text)
    },
    watch: () => undefined,
    sizes: () => ({ ...NO_STREAMS, sockets: 0 }),
    close: () => Promise.resolve(),
  }
  const run = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      faults.push(error)
    }
  }
  const routes = createRoutes()
  const application: Application = {
    id: 1,
    send: (payload) => void told.push(payload),
    isConnected: () => true,
  }
  routes.add('invite', application)
  const parts = { clock, counters: createCounters(), listeners: [listener], routes, run }
  const all = { sip: [], admin: { host: '', port: 0 }, secret: '', timers: SHORT_TIMERS }
  const core = createCore({ ...all, ...options }, parts)
  const close = (): void => {
    core.wheel.close()
    core.resolver.close()
  }
  return { core, clock, listener, sent, told, faults, left: () => leftIn(core), close }
}

const PLACE = {
  transport: 'udp',
  reliable: false,
  family: 4,
  host: '127.0.0.1',
  port: 5060,
  sentBy: { host: '127.0.0.1', port: 5060 },
} as const

function leftIn({ transactions, wheel, ...tables }: Core): readonly string[] {
  const { client, server } = transactions.sizes()
  const { dialogs, invitations, requestsSeen, serverRequests, txnByKey } = tables
  const maps = { dialogs, invitations, requestsSeen, serverRequests, txnByKey }
  const sizes = Object.entries(maps).map(([name, { size }]) => [name, size] as const)
  return [...sizes, ['client', client] as const, ['server', server] as const]
    .concat([['timers', wheel.size()] as const])
    .flatMap(([name, size]) => (size === 0 ? [] : [`${name}: ${size}`]))
}
