import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, createApi } from '../../../sip-scenarios/api.ts'
import { startBridge } from '../../bridge.ts'
import { parseConfig } from '../../config.ts'
import { type Phones, startPhones } from './phones.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** Everybody who plays in the demo. */
export interface Stage {
  /** Base URL of postbacks and API. */
  readonly http: string
  /** Host and port where calls are taken. */
  readonly sip: string
  readonly adminApiKey: string
  readonly api: Api
  readonly phones: Phones
  readonly receiver: Receiver
  /** Takes everything down and removes what was written. */
  readonly close: () => Promise<void>
}

/**
 * Starts the bridge with an embedded database and engine, the two phones and the receiver of tracking
 * URLs, all on free loopback ports; what is written goes to a temporary folder.
 */
export async function setStage(): Promise<Stage> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const each of closers.splice(0).toReversed()) await each()
  }
  try {
    return { ...(await open(closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function open(closers: (() => Promise<void>)[]): Promise<Omit<Stage, 'close'>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-demo-'))
  closers.push(() => rm(dataDir, { recursive: true, force: true }))
  const adminApiKey = randomBytes(24).toString('hex')
  const keep = async <T extends { readonly close: () => Promise<void> }>(started: Promise<T>) => {
    const part = await started
    closers.push(() => part.close())
    return part
  }
  const starting = [
    keep(startBridge(bridgeConfig(dataDir, adminApiKey))),
    keep(startPhones()),
    keep(startReceiver()),
  ] as const
  // Whatever fails, the others have to be open before they can be closed.
  await Promise.allSettled(starting)
  const [bridge, phones, receiver] = await Promise.all(starting)
  const { http = '', sip } = bridge.addresses
  const [, sipAddress = ''] = sip[0]?.split('/') ?? []
  const api = createApi(http, adminApiKey)
  return { http, sip: sipAddress, adminApiKey, api, phones, receiver }
}

/** Nothing of the surroundings gets in: the demo is the same everywhere. */
function bridgeConfig(dataDir: string, adminApiKey: string) {
  return parseConfig({
    DATA_DIR: dataDir,
    HTTP_PORT: '0',
    SIP_PORT: '0',
    SIP_TRANSPORTS: 'udp',
    ADMIN_API_KEY: adminApiKey,
    ALLOW_PRIVATE_TARGETS: '127.0.0.0/8',
    LOG_LEVEL: 'error',
    DRAIN_TIMEOUT_SECONDS: '1',
  })
}
