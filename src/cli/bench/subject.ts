import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createApi } from '../../../sip-scenarios/api.ts'

/** What is dialled. */
export const DIALLED = '+18005550100'

/** A B2BUA under load, in a process of its own. */
export interface Subject {
  readonly name: string
  /** Whether every answered call has a ping. */
  readonly isPinging: boolean
  readonly sip: { readonly host: string; readonly port: number }
  readonly close: () => Promise<void>
}

/** Where the subject sends calls and pings. */
export interface Places {
  readonly buyerPort: number
  readonly pingUrl: string
  /** The `trunks` of its configuration; without any, this machine may call. */
  readonly trunks?: readonly object[]
}

const READY_MS_MAX = 30_000
const STOP_MS_MAX = 15_000
const POLL_MS = 20

/** The bridge as it is shipped: embedded PostgreSQL and engine, a ping for every answered call. */
export async function startBridgeSubject(places: Places): Promise<Subject> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-bench-'))
  const apiKey = randomBytes(24).toString('hex')
  const child = start(['../../main.ts'], {
    DATA_DIR: dataDir,
    HTTP_PORT: '0',
    SIP_PORT: '0',
    SIP_TRANSPORTS: 'udp',
    ADMIN_API_KEY: apiKey,
    ALLOW_PRIVATE_TARGETS: '127.0.0.0/8',
    LOG_LEVEL: 'error',
    DRAIN_TIMEOUT_SECONDS: '1',
  })
  const close = async () => {
    await stop(child)
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const [, http = ''] = await printed(child, /API +(http\S+)\/api\/v1/)
    const sip = await sipAddress(child)
    await createApi(http, apiKey).configure(configuration(places))
    return { name: 'bridgeback', isPinging: true, sip, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The bare B2BUA that the bridge is compared with. */
export const startPeerSubject = ({ buyerPort }: Places): Promise<Subject> => startPeer(buyerPort)

/** The same with a request from memory for every answered call: nothing is stored, nothing tried again. */
export const startPingingPeerSubject = ({ buyerPort, pingUrl }: Places): Promise<Subject> =>
  startPeer(buyerPort, pingUrl)

async function startPeer(buyerPort: number, ...pingUrl: readonly string[]): Promise<Subject> {
  const child = start(['./peer.ts', `sip:buyer@127.0.0.1:${buyerPort}`, ...pingUrl], {})
  const close = () => stop(child)
  try {
    const sip = await sipAddress(child)
    return { name: 'bare drachtio-srf B2BUA', isPinging: pingUrl.length > 0, sip, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Child {
  readonly process: ChildProcess
  readonly output: () => string
}

function start([file = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Child {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], {
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)))
  }
  return { process: child, output: () => output }
}

/** Waits until the process has printed something; its output is what it says when it does not. */
async function printed(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
  const deadlineMs = performance.now() + READY_MS_MAX
  for (;;) {
    const found = pattern.exec(child.output())
    if (found) return found
    if (child.process.exitCode !== null || performance.now() > deadlineMs) {
      throw new Error(`the process under load did not start: ${child.output()}`)
    }
    await delay(POLL_MS)
  }
}

async function sipAddress(child: Child): Promise<Subject['sip']> {
  const [, host = '', port = ''] = await printed(child, /SIP +udp\/([\d.]+):(\d+)/)
  return { host, port: Number(port) }
}

async function stop({ process: child }: Child): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  await once(child, 'exit')
  clearTimeout(timer)
}

/** Calls wait for a postback that does not come, as most calls do. */
function configuration({ buyerPort, pingUrl, trunks = [] }: Places): object {
  return {
    trunks,
    publishers: [{ id: 'publisher', name: 'Publisher' }],
    buyers: [
      {
        id: 'buyer',
        name: 'Buyer',
        endpoint: `sip:buyer@127.0.0.1:${buyerPort}`,
        ping_seconds: 0,
      },
    ],
    campaigns: [
      {
        id: 'campaign',
        name: 'Campaign',
        numbers: [{ number: DIALLED, publisher: 'publisher' }],
        routes: [{ buyer: 'buyer' }],
        tracking_urls: [
          { id: 'ping', trigger: 'bridged', url: `${pingUrl}/?id=[call_uuid]&key=[call_key]` },
        ],
        conversion_groups: [
          {
            id: 'sales',
            type: 'postback',
            conversions: [{ name: 'posted', value: 'posted', payout_modifier: '*0.8' }],
          },
        ],
      },
    ],
  }
}
