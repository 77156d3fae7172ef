import assert from 'node:assert/strict'
import {
  parseApiKey,
  parseContactUrl,
  parseDatabaseUrl,
  parseHeaderName,
  parseHost,
  parseKeySecrets,
  parseNameServers,
  parseProxyUrl,
  parsePublicUrl,
  type Parser,
  parseRanges,
  parseSeconds,
  parseText,
  portFrom,
  wordOf,
  wordsOf,
} from './config-parsers.ts'
import { AppError } from './domain/app-error.ts'
import { LOG_LEVELS, type LogLevel } from './domain/log-level.ts'
import type { KeySecret } from './keys.ts'

/** What a process does; several processes share one database. */
export type Role = 'sip' | 'http' | 'settlement' | 'delivery'

/** How SIP travels. */
export type SipTransport = 'udp' | 'tcp' | 'tls'

/** The settings of one process, read once at its start and never changed. */
export interface Config {
  readonly dataDir: string
  /** Undefined: the embedded cluster under `dataDir`. */
  readonly databaseUrl?: string | undefined
  /** Port 0 is a free one. */
  readonly http: { readonly host: string; readonly port: number }
  /** Without a slash at its end; undefined: made from the address that HTTP listens on. */
  readonly publicUrl?: string | undefined
  readonly sip: {
    readonly host: string
    readonly port: number
    /** What others reach the host under, behind NAT; undefined: the host itself. */
    readonly publicHost?: string | undefined
    readonly transports: readonly SipTransport[]
    /** Given if and only if TLS is one of them. Port 0 is a free one; the files are PEM. */
    readonly tls?:
      | {
          readonly port: number
          readonly certificateFile: string
          readonly keyFile: string
          readonly authoritiesFile?: string
        }
      | undefined
    /** Addresses of DNS servers, with a port or without; undefined: those of the machine. */
    readonly nameServers?: readonly string[] | undefined
  }
  /** Undefined: the embedded engine. */
  readonly drachtio?:
    { readonly host: string; readonly port: number; readonly secret: string } | undefined
  /** The INVITE headers that carry the call's UUID and the leg's key. @see behaviour B1 */
  readonly callHeaders: { readonly uuid: string; readonly key: string }
  /** Newest first; undefined: generated once and kept. */
  readonly callKeySecrets?: readonly KeySecret[] | undefined
  /** Undefined: generated once and kept. */
  readonly adminApiKey?: string | undefined
  /** Addresses and CIDR ranges. */
  readonly allowPrivateTargets: readonly string[]
  /** Addresses and CIDR ranges. */
  readonly trustProxy: readonly string[]
  /** Undefined: straight to the host. */
  readonly trackingProxyUrl?: string | undefined
  /** Said in `User-Agent`. */
  readonly contactUrl?: string | undefined
  readonly roles: ReadonlySet<Role>
  readonly logLevel: LogLevel
  /** How long live calls may go on once the process has been asked to stop. */
  readonly drainTimeoutMs: number
}

/** One environment variable, as `start --help` and `.env.example` show it. */
export interface Setting {
  readonly name: string
  /** Used, word for word, where the variable is absent or blank. */
  readonly default?: string
  /** What happens instead, where there is no default value. */
  readonly unset?: string
  readonly meaning: string
}

/** Every setting, in the order in which help shows them. */
export const SETTINGS = [
  { name: 'DATA_DIR', default: './data', meaning: 'embedded database, secrets' },
  {
    name: 'DATABASE_URL',
    unset: 'embedded',
    meaning: 'an existing PostgreSQL (15 or newer), postgresql://user:password@host/database',
  },
  { name: 'HTTP_HOST', default: '127.0.0.1', meaning: 'where postbacks and API listen' },
  { name: 'HTTP_PORT', default: '8080', meaning: 'their port; 0 is a free one' },
  {
    name: 'PUBLIC_URL',
    unset: 'from HTTP_HOST and HTTP_PORT',
    meaning: 'base of the postback URLs shown to buyers',
  },
  { name: 'SIP_HOST', default: '127.0.0.1', meaning: 'where the embedded SIP engine listens' },
  { name: 'SIP_PORT', default: '5060', meaning: 'its port; 0 is a free one' },
  { name: 'SIP_TRANSPORTS', default: 'udp,tcp', meaning: 'its transports: udp, tcp, tls' },
  {
    name: 'SIP_PUBLIC_HOST',
    unset: 'SIP_HOST',
    meaning: 'what it writes into SIP messages as its own address, behind NAT',
  },
  { name: 'SIP_TLS_PORT', default: '5061', meaning: 'its port for TLS; 0 is a free one' },
  {
    name: 'SIP_TLS_CERT',
    unset: 'none',
    meaning: 'file with its certificate and what leads to the authority; read again on SIGHUP',
  },
  { name: 'SIP_TLS_KEY', unset: 'none', meaning: 'file with the key of the certificate' },
  {
    name: 'SIP_TLS_CA',
    unset: 'none',
    meaning: 'file with certificates of authorities that are trusted besides the public ones',
  },
  {
    name: 'SIP_NAME_SERVERS',
    unset: "the machine's",
    meaning: 'DNS servers that SIP hosts are looked up with, comma-separated',
  },
  {
    name: 'DRACHTIO_HOST',
    unset: 'embedded',
    meaning: 'a drachtio-server to use instead of the embedded engine',
  },
  { name: 'DRACHTIO_PORT', default: '9022', meaning: 'its admin port' },
  { name: 'DRACHTIO_SECRET', unset: 'none', meaning: 'its admin secret' },
  {
    name: 'CALL_UUID_HEADER',
    default: 'X-PH-RetreaverUUID',
    meaning: "INVITE header that carries the call's UUID",
  },
  {
    name: 'CALL_KEY_HEADER',
    default: 'X-PH-RetreaverKey',
    meaning: "INVITE header that carries the leg's key",
  },
  {
    name: 'CALL_KEY_SECRETS',
    unset: 'generated, kept under DATA_DIR',
    meaning: 'version:secret pairs, comma-separated, newest first',
  },
  {
    name: 'ADMIN_API_KEY',
    unset: 'generated, kept under DATA_DIR',
    meaning: "the first administrator's key",
  },
  {
    name: 'ALLOW_PRIVATE_TARGETS',
    unset: 'none',
    meaning: 'CIDRs that tracking URLs may reach although private',
  },
  {
    name: 'TRACKING_PROXY_URL',
    unset: 'none',
    meaning: 'HTTP proxy that tracking URLs are requested through, http://user:password@host:port',
  },
  {
    name: 'CONTACT_URL',
    unset: 'none',
    meaning: 'where receivers of tracking URLs find out who calls; part of User-Agent',
  },
  { name: 'TRUST_PROXY', unset: 'none', meaning: 'CIDRs whose X-Forwarded-For is believed' },
  {
    name: 'ROLES',
    default: 'sip,http,settlement,delivery',
    meaning: 'what this process does; several processes share one database',
  },
  {
    name: 'LOG_LEVEL',
    default: 'info',
    meaning: 'fatal, error, warn, info, debug, trace or silent',
  },
  {
    name: 'DRAIN_TIMEOUT_SECONDS',
    default: '30',
    meaning: 'how long live calls may go on after the process was asked to stop',
  },
] as const satisfies readonly Setting[]

type SettingName = (typeof SETTINGS)[number]['name']
type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings from the environment; a blank variable counts as absent.
 * @throws AppError `invalid_configuration`, naming every bad variable at once. Secrets are not
 *   repeated in it.
 */
export function parseConfig(env: Environment): Config {
  const reader = createReader(env)
  const { read, readOr } = reader
  const config: Config = {
    dataDir: readOr('DATA_DIR', parseText),
    databaseUrl: read('DATABASE_URL', parseDatabaseUrl),
    http: { host: readOr('HTTP_HOST', parseHost), port: readOr('HTTP_PORT', portFrom(0)) },
    publicUrl: read('PUBLIC_URL', parsePublicUrl),
    sip: readSip(reader),
    drachtio: readDrachtio(reader),
    callHeaders: readCallHeaders(reader),
    callKeySecrets: read('CALL_KEY_SECRETS', parseKeySecrets),
    adminApiKey: read('ADMIN_API_KEY', parseApiKey),
    allowPrivateTargets: read('ALLOW_PRIVATE_TARGETS', parseRanges) ?? [],
    trustProxy: read('TRUST_PROXY', parseRanges) ?? [],
    trackingProxyUrl: read('TRACKING_PROXY_URL', parseProxyUrl),
    contactUrl: read('CONTACT_URL', parseContactUrl),
    roles: new Set(readOr('ROLES', wordsOf<Role>(['sip', 'http', 'settlement', 'delivery']))),
    logLevel: readOr('LOG_LEVEL', wordOf(LOG_LEVELS)),
    drainTimeoutMs: readOr('DRAIN_TIMEOUT_SECONDS', parseSeconds) * 1000,
  }
  if (reader.problems.length > 0) throw invalid(reader.problems)
  return deepFreeze(config)
}

interface Reader {
  /** Undefined where the variable is absent or bad. */
  readonly read: <T>(name: SettingName, parse: Parser<T>) => T | undefined
  /** The default where the variable is absent or bad. */
  readonly readOr: <T>(name: SettingName, parse: Parser<T>) => T
  /** One sentence each, beginning with the variable's name. */
  readonly problems: string[]
}

function createReader(env: Environment): Reader {
  const problems: string[] = []

  function read<T>(name: SettingName, parse: Parser<T>): T | undefined {
    const text = env[name]?.trim()
    if (!text) return undefined
    const parsed = parse(text)
    if (parsed.kind === 'value') return parsed.value
    const shown = SECRETS.has(name) ? '' : ` (${JSON.stringify(text)})`
    problems.push(`${name}${shown} ${parsed.problem}`)
    return undefined
  }

  function readOr<T>(name: SettingName, parse: Parser<T>): T {
    const setting: Setting | undefined = SETTINGS.find((each) => each.name === name)
    const fallback = parse(setting?.default ?? '')
    assert(fallback.kind === 'value', `the default of ${name} is not valid`)
    return read(name, parse) ?? fallback.value
  }

  return { read, readOr, problems }
}

const SECRETS: ReadonlySet<SettingName> = new Set([
  'DATABASE_URL',
  'DRACHTIO_SECRET',
  'TRACKING_PROXY_URL',
  'CALL_KEY_SECRETS',
  'ADMIN_API_KEY',
])

function readSip(reader: Reader): Config['sip'] {
  const { read, readOr } = reader
  const transports = readOr('SIP_TRANSPORTS', wordsOf<SipTransport>(['udp', 'tcp', 'tls']))
  return {
    host: readOr('SIP_HOST', parseHost),
    port: readOr('SIP_PORT', portFrom(0)),
    publicHost: read('SIP_PUBLIC_HOST', parseHost),
    transports,
    tls: readTls(reader, transports.includes('tls')),
    nameServers: read('SIP_NAME_SERVERS', parseNameServers),
  }
}

function readTls(
  { read, readOr, problems }: Reader,
  isUsed: boolean,
): Config['sip']['tls'] | undefined {
  const port = readOr('SIP_TLS_PORT', portFrom(0))
  const certificateFile = read('SIP_TLS_CERT', parseText)
  const keyFile = read('SIP_TLS_KEY', parseText)
  const authoritiesFile = read('SIP_TLS_CA', parseText)
  if (!isUsed) {
    if (certificateFile !== undefined)
      problems.push('SIP_TLS_CERT needs tls in SIP_TRANSPORTS: write SIP_TRANSPORTS=udp,tcp,tls')
    return undefined
  }
  if (certificateFile === undefined || keyFile === undefined) {
    problems.push(
      'SIP_TRANSPORTS with tls needs a certificate: name its file in SIP_TLS_CERT, its key in SIP_TLS_KEY',
    )
    return undefined
  }
  return {
    port,
    certificateFile,
    keyFile,
    ...(authoritiesFile !== undefined && { authoritiesFile }),
  }
}

function readDrachtio({ read, readOr, problems }: Reader): Config['drachtio'] {
  const host = read('DRACHTIO_HOST', parseHost)
  const port = readOr('DRACHTIO_PORT', portFrom(1))
  const secret = read('DRACHTIO_SECRET', parseText)
  if (host !== undefined && secret !== undefined) return { host, port, secret }
  if (host !== undefined) {
    problems.push('DRACHTIO_SECRET is missing: write the admin secret of that drachtio-server')
  }
  if (secret !== undefined) {
    problems.push('DRACHTIO_SECRET needs DRACHTIO_HOST: set both for a drachtio-server, or neither')
  }
  return undefined
}

function readCallHeaders({ readOr, problems }: Reader): Config['callHeaders'] {
  const uuid = readOr('CALL_UUID_HEADER', parseHeaderName)
  const key = readOr('CALL_KEY_HEADER', parseHeaderName)
  if (uuid.toLowerCase() === key.toLowerCase()) {
    problems.push('CALL_KEY_HEADER is the same as CALL_UUID_HEADER: give them different names')
  }
  return { uuid, key }
}

function invalid(problems: readonly string[]): AppError {
  const lines = problems.map((problem) => `  ${problem}.`)
  return new AppError(
    'invalid_configuration',
    ['Some settings are not valid; correct them in the environment or .env:', ...lines].join('\n'),
  )
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null) deepFreeze(part)
  }
  return Object.freeze(value)
}
