import { onTestFinished } from 'vitest'
import { leftovers } from '../../../../src/cli/engine-rig/leftovers.ts'
import type { EngineOptions } from '../../../../src/sip/engine/options.ts'
import { type Stack, startStack, type Surroundings } from '../../../../src/sip/engine/stack.ts'
import { connectApplication, type Handler, type SrfApplication } from './application.ts'
import { eventually } from './eventually.ts'
import { openPhone, type Phone } from './phone.ts'

/** Timers short enough for a test: 64·T1 is 320 ms. */
export const SHORT_TIMERS = { t1Ms: 5, t2Ms: 40, t4Ms: 25 }

/** An engine with phones and applications around it. */
export interface World {
  readonly stack: Stack
  readonly port: number
  readonly phone: () => Promise<Phone>
  readonly application: (methods?: Readonly<Record<string, Handler>>) => Promise<SrfApplication>
  /** Waits until nothing of any call is left in the engine. */
  readonly quiescent: () => Promise<void>
  readonly close: () => Promise<void>
}

type WorldOptions = Partial<EngineOptions> & Pick<Surroundings, 'clock' | 'onWarning'>

/** Starts an engine on free loopback ports. */
export async function openWorld(
  { clock, onWarning, ...options }: WorldOptions = {},
  host = '127.0.0.1',
): Promise<World> {
  const stack = await startStack(
    {
      sip: [{ transport: 'udp', host, port: 0 }],
      admin: { host: '127.0.0.1', port: 0 },
      secret: 'secret',
      timers: SHORT_TIMERS,
      ...options,
    },
    { clock, onWarning },
  )
  const port = stack.sip[0]?.port ?? 0
  const closers: (() => unknown)[] = []
  return {
    stack,
    port,
    phone: async () => {
      const phone = await openPhone(port, host)
      closers.push(phone.close)
      return phone
    },
    application: async (methods = {}) => {
      const application = await connectApplication(stack, methods)
      closers.push(application.kill)
      return application
    },
    quiescent: () => untilEmpty(stack, (table) => !OF_OTHERS.test(table)),
    close: async () => {
      await Promise.all(closers.map(async (close) => close()))
      await untilEmpty(
        stack,
        (table) => OF_OTHERS.test(table) && !(table === 'sources' && options.guard),
      )
      await stack.close()
    },
  }
}

/** The same, closed with the test: opened in it, or before each. */
export async function openWorldOfTest(options: WorldOptions = {}): Promise<World> {
  const world = await openWorld(options)
  onTestFinished(world.close)
  return world
}

/** Tables of who is connected and who has called, in which something is for as long as phones are there. */
const OF_OTHERS = /^(?:applications|connection|sources)/

async function untilEmpty(stack: Stack, isMeant: (table: string) => boolean): Promise<void> {
  const left = (): readonly string[] =>
    leftovers(stack.stats()).filter((line) => isMeant(line.slice(0, line.indexOf(':'))))
  await eventually(
    () => left().length === 0,
    () => `still there: ${left().join(', ')}`,
  )
}
