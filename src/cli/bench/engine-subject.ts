import { startApplication } from '../engine-rig/application.ts'
import { type Address, SECRET, startEngineUnderLoad } from '../engine-rig/engine.ts'
import { findListener, readUsage, type Usage } from './engine-processes.ts'
import type { Subject } from './subject.ts'
import { untilCalm } from './throughput.ts'

/** A SIP server with the bare B2BUA in a process beside it. */
export interface ServerSubject extends Subject {
  readonly usage: () => Promise<ServerUsage>
}

/** What the process of the server has used, without the application. */
export interface ServerUsage extends Usage {
  /** What is in use of the heap after a collection; undefined for a server that has none. */
  readonly heapBytes: number | undefined
}

/** Where a drachtio-server of one's own is. */
export interface DrachtioPlace {
  readonly admin: Address
  readonly secret: string
  readonly sip: Address
  /** Found by the port it listens on unless given. */
  readonly pid: number | undefined
}

/** The embedded engine, in a process of its own. */
export async function startEngineSubject(buyerPort: number): Promise<ServerSubject> {
  const engine = await startEngineUnderLoad()
  try {
    const application = await startB2bua(engine.admin, SECRET, buyerPort)
    return {
      name: 'engine',
      isPinging: false,
      sip: engine.sip,
      usage: () => engine.sample(true),
      close: async () => {
        await application.kill()
        await engine.close()
      },
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** A drachtio-server that somebody else has started; it is left running. */
export async function attachDrachtio(
  { admin, pid, secret, sip }: DrachtioPlace,
  buyerPort: number,
): Promise<ServerSubject> {
  const process = pid ?? (await findListener(admin.port))
  const application = await startB2bua(admin, secret, buyerPort)
  return {
    name: 'drachtio-server',
    isPinging: false,
    sip,
    usage: async () => ({ ...(await readUsage(process)), heapBytes: undefined }),
    close: application.kill,
  }
}

function startB2bua(admin: Address, secret: string, buyerPort: number) {
  return startApplication({ ...admin, secret, buyer: `sip:buyer@127.0.0.1:${buyerPort}` })
}

/** Waits until a server takes calls again after too many; one that does not takes no more of them either. */
export async function letRest(
  server: ServerSubject,
  progress: (text: string) => void,
): Promise<void> {
  try {
    await untilCalm(server)
  } catch (error) {
    progress(error instanceof Error ? error.message : String(error))
  }
}
