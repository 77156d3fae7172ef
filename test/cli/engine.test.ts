import { describe, expect, it } from 'vitest'
import { connectSipClient } from '../../src/sip/srf.ts'
import { createTlsRig } from '../support/tls-files.ts'
import { waitFor } from '../support/wait.ts'
import { startCommand, startProgram } from './support/command.ts'

const FREE = ['--sip', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--transports', 'udp']

describe('bridgeback engine', () => {
  it('says where it listens, serves an application that knows the secret, stops when told', async () => {
    const engine = startCommand(['engine', ...FREE, '--secret', 'engine-test'])
    const { sip, admin } = await addressesOf(engine.output)
    const hostports = await connect(admin, 'engine-test')
    expect(hostports).toEqual([`udp/${sip}`])
    engine.stop('SIGTERM')
    expect(await engine.exited).toBe(0)
    expect(engine.errors()).toBe('')
  })

  it('takes the secret from the environment, where no list of processes shows it', async () => {
    const engine = startCommand(['engine', ...FREE], { DRACHTIO_SECRET: 'from-environment' })
    const { admin } = await addressesOf(engine.output)
    expect(await connect(admin, 'from-environment')).toHaveLength(1)
    engine.stop('SIGINT')
    expect(await engine.exited).toBe(0)
  })

  it('writes into messages, and tells applications, what others reach it under', async () => {
    const rig = createTlsRig()
    const tls = ['--tls', rig.certificateFile, '--tls-key', rig.keyFile, '--tls-port', '0']
    const seen = ['--public-host', '203.0.113.5', '--secret', 's', ...tls]
    const engine = startCommand(['engine', ...FREE, ...seen])
    const tlsPort = await tlsPortOf(engine.output)
    const { sip, admin } = await addressesOf(engine.output)
    const [, port] = sip.split(':')
    expect(await connect(admin, 's')).toEqual([
      `udp/203.0.113.5:${port}`,
      `tls/203.0.113.5:${tlsPort}`,
    ])
  })

  it('speaks TLS, reads the certificate again on SIGHUP, and keeps it if that fails', async () => {
    const rig = createTlsRig()
    const files = ['--tls', rig.certificateFile, '--tls-key', rig.keyFile, '--tls-port', '0']
    const engine = startCommand(['engine', ...FREE, '--secret', 's', ...files])
    const port = await tlsPortOf(engine.output)
    const before = await rig.fingerprint(port)
    rig.spoil()
    engine.stop('SIGHUP')
    await waitFor(() => engine.errors() !== '', { what: 'a complaint' })
    expect(engine.errors()).toBe(
      `The TLS key ${rig.keyFile} does not belong to the certificate ${rig.certificateFile}: ` +
        'both have to come from the same request.\n',
    )
    expect(await rig.fingerprint(port)).toBe(before)
    rig.renew()
    engine.stop('SIGHUP')
    const certificates = () => engine.output().match(/is valid until/g)?.length
    await waitFor(() => certificates() === 2, { what: 'the certificate' })
    expect(await rig.fingerprint(port)).not.toBe(before)
    engine.stop('SIGTERM')
    expect(await engine.exited).toBe(0)
  })

  it.each([
    {
      name: 'asks for the key of a certificate',
      args: [...FREE, '--secret', 's', '--tls', 'sip.crt'],
      says: 'TLS needs a certificate and its key: give both, --tls and --tls-key.\n',
    },
    {
      name: 'says which certificate is missing',
      args: [...FREE, '--secret', 's', '--tls', '/nowhere.crt', '--tls-key', '/nowhere.key'],
      says: 'Cannot read the TLS certificate /nowhere.crt: there is no such file.\n',
    },
    {
      name: 'asks for a secret',
      args: FREE,
      says: 'The engine needs a secret: give it with --secret or in DRACHTIO_SECRET.\n',
    },
  ])('$name and exits with 1', async ({ args, says }) => {
    const engine = startCommand(['engine', ...args], { DRACHTIO_SECRET: '' })
    expect(await engine.exited).toBe(1)
    expect(engine.errors()).toBe(says)
    expect(engine.output()).toBe('')
  })

  it.each([
    {
      args: ['--sip', 'localhost'],
      says: "'--sip <host:port>' argument 'localhost' is invalid. Write an address as 127.0.0.1:5060.",
    },
    {
      args: ['--admin', '127.0.0.1:65536'],
      says: "'--admin <host:port>' argument '127.0.0.1:65536' is invalid. Write an address as 127.0.0.1:5060.",
    },
    {
      args: ['--transports', 'udp,sctp'],
      says: "'--transports <names>' argument 'udp,sctp' is invalid. Write udp, tcp or udp,tcp; for TLS give --tls.",
    },
    {
      args: ['--tls-port', '65536'],
      says: "'--tls-port <port>' argument '65536' is invalid. Write a whole number from 0 to 65535.",
    },
    {
      args: ['--public-host', '203.0.113.5:5060'],
      says: "'--public-host <host>' argument '203.0.113.5:5060' is invalid. It is not a host: write an IP address or a host name, without port.",
    },
    {
      args: ['--name-servers', 'dns'],
      says: "'--name-servers <addresses>' argument 'dns' is invalid. It is not a list of DNS servers: write addresses such as 192.0.2.1, or 192.0.2.1:53.",
    },
  ])('says what to write instead of $args and exits with 2', async ({ args, says }) => {
    const engine = startCommand(['engine', '--secret', 's', ...args])
    expect(await engine.exited).toBe(2)
    expect(engine.errors()).toBe(`error: option ${says}\n(try --help)\n`)
    expect(engine.output()).toBe('')
  })

  it('starts under "node --watch" too, as "npm run dev" does', async () => {
    const args = ['bin/bridgeback.js', 'engine', ...FREE, '--secret', 's']
    const engine = startProgram('--watch', args)
    const { sip } = await addressesOf(engine.output)
    expect(sip).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(engine.errors()).toBe('')
  })

  it('says in one sentence that an address is taken', async () => {
    const first = startCommand(['engine', ...FREE, '--secret', 's'])
    const { sip } = await addressesOf(first.output)
    const second = startCommand(['engine', ...FREE, '--secret', 's', '--sip', sip])
    expect(await second.exited).toBe(1)
    expect(second.errors()).toMatch(new RegExp(`^Cannot listen on udp/${sip}: .*\\.\n$`))
  })
})

async function addressesOf(output: () => string): Promise<{ sip: string; admin: string }> {
  const [, sip = '', admin = ''] = await waitFor(
    () => /SIP +udp\/(\S+)\n(?: +SIP .*\n)* +admin +(\S+)\n/.exec(output()) ?? undefined,
    { what: 'the addresses', deadlineMs: 10_000 },
  )
  return { sip, admin }
}

async function tlsPortOf(output: () => string): Promise<number> {
  const [, port] = await waitFor(
    () => /SIP +tls\/127\.0\.0\.1:(\d+)\n[^]*is valid until/.exec(output()) ?? undefined,
    { what: 'the TLS address', deadlineMs: 10_000 },
  )
  return Number(port)
}

async function connect(admin: string, secret: string): Promise<readonly string[]> {
  const [host = '', port = ''] = admin.split(':')
  const connected = Promise.withResolvers<readonly string[]>()
  const client = connectSipClient(
    { host, port: Number(port), secret },
    {
      onRequest: {},
      onConnect: connected.resolve,
      onRefused: connected.reject,
      onError: connected.reject,
      onClose: () => {},
      onFailure: connected.reject,
    },
  )
  try {
    return await connected.promise
  } finally {
    client.disconnect()
  }
}
