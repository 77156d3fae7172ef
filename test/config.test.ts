import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig, SETTINGS } from '../src/config.ts'
import { AppError } from '../src/domain/app-error.ts'

const STRONG = 'correct-horse-battery-staple'

function problemsOf(env: Record<string, string>): string {
  try {
    parseConfig(env)
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_configuration') return error.message
    throw error
  }
  return ''
}

describe('parseConfig', () => {
  it('starts with nothing configured', () => {
    expect(parseConfig({})).toEqual({
      dataDir: './data',
      databaseUrl: undefined,
      http: { host: '127.0.0.1', port: 8080 },
      publicUrl: undefined,
      sip: {
        host: '127.0.0.1',
        port: 5060,
        publicHost: undefined,
        transports: ['udp', 'tcp'],
        tls: undefined,
        nameServers: undefined,
      },
      drachtio: undefined,
      callHeaders: { uuid: 'X-PH-RetreaverUUID', key: 'X-PH-RetreaverKey' },
      callKeySecrets: undefined,
      adminApiKey: undefined,
      allowPrivateTargets: [],
      trustProxy: [],
      roles: new Set(['sip', 'http', 'settlement', 'delivery']),
      logLevel: 'info',
      drainTimeoutMs: 30_000,
    })
  })

  it.each([
    ['DATA_DIR', ' /var/lib/bridgeback ', { dataDir: '/var/lib/bridgeback' }],
    ['DATABASE_URL', 'postgres://u:p@db/x', { databaseUrl: 'postgres://u:p@db/x' }],
    ['HTTP_PORT', '0', { http: { host: '127.0.0.1', port: 0 } }],
    ['HTTP_HOST', '::1', { http: { host: '::1', port: 8080 } }],
    ['PUBLIC_URL', 'https://calls.example/base/', { publicUrl: 'https://calls.example/base' }],
    ['SIP_TRANSPORTS', 'udp', { sip: { host: '127.0.0.1', port: 5060, transports: ['udp'] } }],
    ['SIP_PUBLIC_HOST', '203.0.113.5', { sip: { publicHost: '203.0.113.5' } }],
    [
      'SIP_NAME_SERVERS',
      '192.0.2.1, [2001:db8::1]:5353',
      { sip: { nameServers: ['192.0.2.1', '[2001:db8::1]:5353'] } },
    ],
    ['CALL_KEY_SECRETS', `1295:${STRONG}`, { callKeySecrets: [{ version: 1295, secret: STRONG }] }],
    ['ADMIN_API_KEY', 'eight-ch', { adminApiKey: 'eight-ch' }],
    ['ALLOW_PRIVATE_TARGETS', '10.0.0.0/8, ::1', { allowPrivateTargets: ['10.0.0.0/8', '::1'] }],
    ['TRUST_PROXY', 'fd00::/8', { trustProxy: ['fd00::/8'] }],
    [
      'TRACKING_PROXY_URL',
      'http://u:p@proxy.lan:3128',
      { trackingProxyUrl: 'http://u:p@proxy.lan:3128/' },
    ],
    ['CONTACT_URL', 'https://example.com/hooks', { contactUrl: 'https://example.com/hooks' }],
    ['CONTACT_URL', 'mailto:hooks@example.com', { contactUrl: 'mailto:hooks@example.com' }],
    ['ROLES', 'http, sip', { roles: new Set(['sip', 'http']) }],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
    ['DRAIN_TIMEOUT_SECONDS', '0', { drainTimeoutMs: 0 }],
    ['HTTP_PORT', '  ', { http: { host: '127.0.0.1', port: 8080 } }],
  ])('reads %s=%s', (name, text, expected) => {
    expect(parseConfig({ [name]: text })).toMatchObject(expected)
  })

  it('reads a drachtio-server with its default port', () => {
    expect(parseConfig({ DRACHTIO_HOST: 'sip.lan', DRACHTIO_SECRET: 's' }).drachtio).toEqual({
      host: 'sip.lan',
      port: 9022,
      secret: 's',
    })
  })

  it('reads what TLS needs', () => {
    const env = { SIP_TRANSPORTS: 'udp,tls', SIP_TLS_CERT: 'sip.crt', SIP_TLS_KEY: 'sip.key' }
    const files = { port: 5061, certificateFile: 'sip.crt', keyFile: 'sip.key' }
    expect(parseConfig(env).sip.tls).toEqual(files)
    expect(parseConfig({ ...env, SIP_TLS_CA: 'ca.crt' }).sip.tls).toEqual({
      ...files,
      authoritiesFile: 'ca.crt',
    })
  })

  it('keeps the order of key secrets, newest first (B7)', () => {
    const { callKeySecrets } = parseConfig({ CALL_KEY_SECRETS: `2:${STRONG}-b,1:${STRONG}:a` })
    expect(callKeySecrets).toEqual([
      { version: 2, secret: `${STRONG}-b` },
      { version: 1, secret: `${STRONG}:a` },
    ])
  })

  it.each([
    ['DATABASE_URL', 'mysql://db/x'],
    ['HTTP_HOST', 'localhost:8080'],
    ['HTTP_HOST', '127.0.0.256'],
    ['HTTP_PORT', '65536'],
    ['HTTP_PORT', '80a'],
    ['HTTP_PORT', '-1'],
    ['PUBLIC_URL', 'calls.example.com'],
    ['PUBLIC_URL', 'https://calls.example/?a=b'],
    ['SIP_TRANSPORTS', 'udp,tls'],
    ['SIP_TRANSPORTS', 'udp,sctp'],
    ['SIP_TLS_CERT', 'sip.crt'],
    ['SIP_TLS_PORT', '65536'],
    ['SIP_NAME_SERVERS', 'dns.lan'],
    ['SIP_NAME_SERVERS', '192.0.2.1:0'],
    ['SIP_TRANSPORTS', ','],
    ['DRACHTIO_PORT', '0'],
    ['DRACHTIO_SECRET', 's'],
    ['CALL_UUID_HEADER', 'Call-ID'],
    ['CALL_KEY_HEADER', 'X-Key: 1'],
    ['CALL_KEY_HEADER', 'x-ph-retreaveruuid'],
    ['CALL_KEY_SECRETS', STRONG],
    ['CALL_KEY_SECRETS', `0:${STRONG}`],
    ['CALL_KEY_SECRETS', `1296:${STRONG}`],
    ['CALL_KEY_SECRETS', `1:${STRONG},1:${STRONG}`],
    ['CALL_KEY_SECRETS', '1:fifteen-letters'],
    ['ADMIN_API_KEY', 'seven-c'],
    ['ADMIN_API_KEY', 'two words here'],
    ['ALLOW_PRIVATE_TARGETS', '10.0.0.0/33'],
    ['TRUST_PROXY', 'proxy.lan'],
    ['TRACKING_PROXY_URL', 'proxy.lan:3128'],
    ['TRACKING_PROXY_URL', 'socks5://proxy.lan'],
    ['TRACKING_PROXY_URL', 'http://proxy.lan/path'],
    ['CONTACT_URL', 'example.com'],
    ['CONTACT_URL', 'https://example.com/(hooks)'],
    ['ROLES', 'http,mail'],
    ['LOG_LEVEL', 'loud'],
    ['DRAIN_TIMEOUT_SECONDS', '1.5'],
    ['DRAIN_TIMEOUT_SECONDS', '86401'],
  ])('refuses %s=%s and names it', (name, text) => {
    expect(problemsOf({ [name]: text })).toContain(`\n  ${name} `)
  })

  it('names every bad variable at once', () => {
    expect(problemsOf({ HTTP_PORT: 'x', LOG_LEVEL: 'loud', DRACHTIO_HOST: 'sip.lan' })).toBe(
      'Some settings are not valid; correct them in the environment or .env:\n' +
        '  HTTP_PORT ("x") is not a port: write a whole number from 0 to 65535.\n' +
        '  DRACHTIO_SECRET is missing: write the admin secret of that drachtio-server.\n' +
        '  LOG_LEVEL ("loud") is not known: write one of fatal, error, warn, info, debug, trace, silent.',
    )
  })

  it('never repeats a secret', () => {
    const env = { CALL_KEY_SECRETS: '1:hunter2', ADMIN_API_KEY: 'hunter2', DATABASE_URL: 'hunter2' }
    const message = problemsOf(env)
    expect(message).toContain('CALL_KEY_SECRETS')
    expect(message).not.toContain('hunter2')
  })

  it('gives something that nobody can change', () => {
    const { http } = parseConfig({})
    expect(() => Object.assign(http, { port: 1 })).toThrow(TypeError)
  })
})

describe('SETTINGS', () => {
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')

  it('lists what .env.example lists, in the same order', () => {
    const names = [...example.matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(names).toEqual(SETTINGS.map(({ name }) => name))
  })

  it.each(SETTINGS.filter((setting) => 'default' in setting))(
    'shows the default of $name in .env.example',
    ({ name, default: value }) => {
      expect(example).toContain(`\n#${name}=${value}\n`)
    },
  )
})
