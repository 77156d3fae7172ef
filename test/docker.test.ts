import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseConfig, SETTINGS } from '../src/config.ts'

/** The parts of a service that are looked at. */
interface Service {
  readonly image: string
  readonly build?: { readonly target: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly networks: readonly string[] | Readonly<Record<string, object>>
  readonly volumes?: readonly string[]
  readonly healthcheck: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly restart?: string
  readonly mem_limit: string
  readonly profiles?: readonly string[]
  readonly security_opt: readonly string[]
  readonly stop_grace_period?: string
}

interface Network {
  readonly internal?: boolean
  readonly ipam?: { readonly config: readonly { readonly gateway: string }[] }
}

interface Compose {
  readonly services: Readonly<Record<'postgres' | 'drachtio' | 'bridge' | 'sipp', Service>>
  readonly networks: Readonly<Record<'database' | 'calls', Network>>
}

const text = readFileSync('docker-compose.yml', 'utf8')
const { services, networks } = parse(text) as Compose
const all = Object.entries(services)
const dockerfile = readFileSync('Dockerfile', 'utf8')

/** What compose makes of `${NAME:?…}` and `${NAME:-default}`. */
const substitute = (value: string, env: Readonly<Record<string, string>>): string =>
  value.replaceAll(
    /\$\{(\w+):([-?])([^}]*)\}/g,
    (_, name: string, kind: string, rest: string) => env[name] ?? (kind === '-' ? rest : ''),
  )

describe('docker-compose.yml', () => {
  it('has PostgreSQL, drachtio-server and the bridge, and SIPp on demand', () => {
    expect(Object.keys(services)).toEqual(['postgres', 'drachtio', 'bridge', 'sipp'])
    expect(services.sipp.profiles).toEqual(['sipp'])
  })

  it('pins every image to a version', () => {
    expect(all.map(([, { image }]) => image)).toEqual([
      'postgres:18',
      'drachtio/drachtio-server:0.9.10',
      'bridgeback:0.1.0',
      'bridgeback-scenarios:0.1.0',
    ])
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(services.bridge.image).toBe(`bridgeback:${version}`)
    expect(services.sipp.image).toBe(`bridgeback-scenarios:${version}`)
  })

  it('publishes SIP, and HTTP to this machine, and no other port', () => {
    expect(all.flatMap(([, { ports = [] }]) => ports)).toEqual([
      '5060:5060/udp',
      '5060:5060/tcp',
      '127.0.0.1:8080:8080',
    ])
    expect(networks.database).toEqual({ internal: true })
    expect(services.postgres.networks).toEqual(['database'])
  })

  it('has no secret of its own: each has to be given, and one sentence says how', () => {
    const secrets = all.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /SECRET|PASSWORD|KEY|DATABASE_URL/.test(name)),
    )
    expect(secrets.map(([name]) => name)).toEqual([
      'POSTGRES_PASSWORD',
      'DRACHTIO_SECRET',
      'DATABASE_URL',
      'DRACHTIO_SECRET',
      'ADMIN_API_KEY',
      'CALL_KEY_SECRETS',
      'ADMIN_API_KEY',
    ])
    for (const [, value] of secrets) {
      expect(value).toMatch(/\$\{\w+:\?is missing - write \.env as docs\/operating\.md shows\}/)
      expect(value.replaceAll(/\$\{[^}]*\}/g, '')).toMatch(
        /^(?:postgresql:\/\/bridgeback:@postgres:5432\/bridgeback)?$/,
      )
    }
  })

  it('asks every service for its health, and waits for it', () => {
    expect(all.map(([name, { healthcheck }]) => [name, healthcheck.test?.[0] ?? 'none'])).toEqual([
      ['postgres', 'CMD'],
      ['drachtio', 'CMD'],
      ['bridge', 'CMD'],
      ['sipp', 'none'],
    ])
    expect(services.bridge.depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
      drachtio: { condition: 'service_healthy' },
    })
    expect(services.sipp.depends_on).toEqual({ bridge: { condition: 'service_healthy' } })
  })

  it('starts again what has ended, however it ended, and limits what it may take', () => {
    for (const [name, { restart, profiles }] of all) {
      expect([name, restart]).toEqual([name, profiles ? undefined : 'unless-stopped'])
    }
    expect(all.filter(([, { mem_limit: limit }]) => !/^\d+[mg]$/.test(limit))).toEqual([])
    expect(
      all.filter(([, service]) => !service.security_opt.includes('no-new-privileges:true')),
    ).toEqual([])
  })

  it('starts drachtio-server the way that its image and this version need', () => {
    const { command = [], environment = {} } = services.drachtio
    expect(command[0]).toBe('drachtio')
    expect(command.indexOf('--external-ip')).toBe(command.indexOf('--contact') + 2)
    expect(command).toContain('--disable-nat-detection')
    expect(command.slice(command.indexOf('--mtu'))).toContain('4096')
    expect(environment).toMatchObject({
      DRACHTIO_LOGLEVEL: 'warning',
      DRACHTIO_SOFIA_LOGLEVEL: '1',
      DRACHTIO_UDP_MTU: '4096',
    })
  })

  it('gives the bridge settings that it knows and takes', () => {
    const { environment = {} } = services.bridge
    const known: readonly string[] = SETTINGS.map(({ name }) => name)
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([])
    const env = {
      POSTGRES_PASSWORD: 'a1'.repeat(24),
      DRACHTIO_SECRET: 'b2'.repeat(24),
      ADMIN_API_KEY: 'c3'.repeat(24),
      CALL_KEY_SECRETS: `1:${'d4'.repeat(32)}`,
    }
    const given = Object.entries(environment).map(([name, value]) => [name, substitute(value, env)])
    const config = parseConfig(Object.fromEntries(given) as Record<string, string>)
    expect(config.drachtio?.host).toBe('drachtio')
    expect(config.databaseUrl).toContain('@postgres:5432/bridgeback')
    expect(config.allowPrivateTargets).toEqual([])
    // Where what is published comes from: the buyer is in X-Forwarded-For.
    expect(config.trustProxy).toEqual(networks.calls.ipam?.config.map(({ gateway }) => gateway))
  })

  it('gives the bridge time to let calls end before it is killed', () => {
    const seconds = Number.parseInt(services.bridge.stop_grace_period ?? '', 10)
    const drain = Number(services.bridge.environment?.DRAIN_TIMEOUT_SECONDS)
    expect(seconds).toBeGreaterThan(2 * drain)
  })

  it('keeps the data of PostgreSQL 18 where that image keeps it', () => {
    expect(services.postgres.volumes).toEqual(['postgres-data:/var/lib/postgresql'])
  })
})

describe('Dockerfile', () => {
  it('runs no target as root', () => {
    const stages = dockerfile.split(/^FROM /m).slice(1)
    const users = stages.map((stage) => [
      / AS (\w+)/.exec(stage)?.[1],
      [...stage.matchAll(/^USER (\w+)/gm)].at(-1)?.[1],
    ])
    expect(users).toEqual([
      ['program', undefined],
      ['scenarios', 'node'],
      ['bridge', 'node'],
    ])
  })

  it('makes the targets that compose asks for, the service being the last', () => {
    expect(services.sipp.build?.target).toBe('scenarios')
    expect(services.bridge.build?.target).toBe('bridge')
    expect(dockerfile.lastIndexOf('FROM ')).toBe(dockerfile.indexOf('FROM program AS bridge'))
  })

  it('copies only what is there and what the builder is sent', () => {
    const sent = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
    const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    )
    expect(copied.toSorted()).toEqual(sent.toSorted())
    expect(copied.filter((path) => !existsSync(path))).toEqual([])
  })
})
