import type { EngineOptions } from '../../sip/engine/options.ts'
import { startChild } from './child.ts'
import type { EngineReady, EngineSample, SampleRequest } from './engine-process.ts'

/** The embedded engine in a process of its own. */
export interface EngineUnderLoad {
  readonly pid: number
  readonly admin: Address
  readonly sip: Address
  /**
   * What it holds, after a collection if that is wanted, which takes a while.
   * @throws Error if the engine has ended
   */
  readonly sample: (collect: boolean) => Promise<EngineSample>
  /** Whether it has ended although nobody wanted it to. */
  readonly isDead: () => boolean
  /** What it wrote last if it has. */
  readonly exited: Promise<string>
  readonly close: () => Promise<void>
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** What the application has to know. */
export const SECRET = 'rig'

/** Starts an engine on free loopback ports, UDP only. */
export async function startEngineUnderLoad(
  options: Pick<EngineOptions, 'guard' | 'timers'> = {},
): Promise<EngineUnderLoad> {
  const settings: EngineOptions = {
    sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0 },
    secret: SECRET,
    ...options,
  }
  const child = await startChild<EngineReady>('./engine-process.ts', settings, ['--expose-gc'])
  const { admin, sip } = child.ready
  const waiting = new Map<number, (sample: EngineSample) => void>()
  child.process.on('message', (sample: EngineSample) => {
    waiting.get(sample.id)?.(sample)
    waiting.delete(sample.id)
  })
  let lastId = 0
  const ask = (collect: boolean): Promise<EngineSample> => {
    lastId++
    const { promise, resolve } = Promise.withResolvers<EngineSample>()
    waiting.set(lastId, resolve)
    const request: SampleRequest = { id: lastId, collect }
    child.process.send(request)
    return promise
  }
  const [first = { host: '', port: 0 }] = sip
  return {
    pid: child.process.pid ?? 0,
    admin,
    sip: { host: first.host, port: first.port },
    sample: (collect) =>
      Promise.race([
        ask(collect),
        child.exited.then((words) => {
          throw new Error(`the engine has ended: ${words}`)
        }),
      ]),
    isDead: () => child.process.exitCode !== null || child.process.signalCode !== null,
    exited: child.exited,
    close: child.kill,
  }
}
