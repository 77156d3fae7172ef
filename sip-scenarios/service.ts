import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBridge } from '../src/bridge.ts'
import { parseConfig } from '../src/config.ts'
import type { Target } from './rig.ts'

/** A service of the scenarios' own. */
export interface OwnService extends Target {
  /** Stops it and removes what it stored. */
  close(): Promise<void>
}

export interface OwnServiceOptions {
  /** Where SIPp will be; the service listens there and may reach it. */
  readonly localIp: string
  /** Only DRACHTIO_HOST, DRACHTIO_PORT and DRACHTIO_SECRET are read: nothing of a real service. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Starts a service on free ports with a folder of its own, on a drachtio-server if `env` names one.
 * @throws AppError saying why it cannot start
 */
export async function startOwnService({ localIp, env }: OwnServiceOptions): Promise<OwnService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bridgeback-scenarios-'))
  const removeData = () => rm(dataDir, { recursive: true, force: true })
  try {
    const { DRACHTIO_HOST, DRACHTIO_PORT, DRACHTIO_SECRET } = env
    const config = parseConfig({
      DRACHTIO_HOST,
      DRACHTIO_PORT,
      DRACHTIO_SECRET,
      DATA_DIR: dataDir,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      SIP_HOST: localIp,
      SIP_PORT: '0',
      SIP_TRANSPORTS: 'udp',
      ALLOW_PRIVATE_TARGETS: localIp,
      LOG_LEVEL: 'silent',
      DRAIN_TIMEOUT_SECONDS: '1',
    })
    const bridge = await startBridge(config)
    const { http = '', sip } = bridge.addresses
    return {
      api: http,
      sip: parseSipAddress(sip),
      apiKey: bridge.adminApiKey,
      async close() {
        await bridge.close()
        await removeData()
      },
    }
  } catch (error) {
    await removeData()
    throw error
  }
}

/** Reads where SIP is spoken over UDP: `udp/127.0.0.1:5060` or `udp/[::1]:5060`. */
function parseSipAddress(addresses: readonly string[]): Target['sip'] {
  const address = addresses.find((each) => each.startsWith('udp/')) ?? ''
  const [, host = '', port = ''] = /^udp\/\[?([^\]]+)\]?:(\d+)$/.exec(address) ?? []
  return { host, port: Number(port) }
}
