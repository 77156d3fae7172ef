import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { TlsFiles } from '../../../../src/sip/engine/options.ts'
import { openFrames } from '../../../conformance/frames.ts'
import { startNameServer } from '../../../support/name-server.ts'
import { createAuthority, type Identity } from '../../../support/certificates.ts'
import { caller } from '../support/caller.ts'
import { untilClosed } from '../support/closing.ts'
import { eventually } from '../support/eventually.ts'
import { openTcpPhone, type Phone, SDP } from '../support/phone.ts'
import { openWorld, type World } from '../support/world.ts'

const authority = createAuthority('Test Authority')
const stranger = createAuthority('Nobody Knows')
const ours = authority.issue({ hosts: ['127.0.0.1'] })
const sip = [{ transport: 'tls', host: '127.0.0.1', port: 0 }] as const

let folder: string
let world: World
const closers: (() => unknown)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-'))
})

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  rmSync(folder, { recursive: true })
})

function write(identity: Identity): TlsFiles {
  const files = {
    certificateFile: join(folder, 'certificate.pem'),
    keyFile: join(folder, 'key.pem'),
    authoritiesFile: join(folder, 'authorities.pem'),
  }
  writeFileSync(files.certificateFile, identity.certificate)
  writeFileSync(files.keyFile, identity.key)
  writeFileSync(files.authoritiesFile, authority.certificate)
  return files
}

async function start(options: Parameters<typeof openWorld>[0] = {}): Promise<void> {
  world = await openWorld({ sip, tls: options.tls ?? write(ours), ...options })
  closers.push(world.close)
}

async function openPhone(identity: Identity): Promise<Phone> {
  const { certificate: cert, key } = identity
  const phone = await openTcpPhone(world.port, '127.0.0.1', {
    cert,
    key,
    ca: authority.certificate,
  })
  closers.push(phone.close)
  return phone
}

async function openSocket(): Promise<TLSSocket> {
  const socket = connect({ port: world.port, host: '127.0.0.1', ca: authority.certificate })
  closers.push(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

const overTls = (text: string): string => text.replace('SIP/2.0/UDP', 'SIP/2.0/TLS')
const fingerprint = (socket: TLSSocket): string => socket.getPeerCertificate().fingerprint256
const count = (name: string): number => world.stack.stats().counters[name] ?? 0

it.each(['sip:bob@127.0.0.1:PORT;transport=tls', 'sips:bob@127.0.0.1:PORT'])(
  'carries a call to %s, each leg on a connection that is verified',
  async (uri) => {
    await start()
    const [alice, bob] = [await openPhone(ours), await openPhone(ours)]
    const target = uri.replace('PORT', String(bob.port))
    const application = await world.application({
      invite: (req, res) => {
        void application.srf.createB2BUA(req, res, target).then(({ uac, uas }) => {
          uas.on('destroy', () => void uac.destroy())
          uac.on('destroy', () => void uas.destroy())
        })
      },
    })
    const call = caller(alice, world.port)
    alice.sendRaw(overTls(call.invite()))
    const invite = await bob.expect('INVITE')
    expect(invite.text).toContain(`\r\nVia: SIP/2.0/TLS 127.0.0.1:${world.port};rport;branch=`)
    bob.answer(invite, 200, { body: SDP, contact: `<${target}>` })
    await bob.expect('ACK')
    const ok = await alice.expect(200)
    expect(ok.text).toContain(`Contact: <sip:127.0.0.1:${world.port};transport=tls>\r\n`)
    alice.sendRaw(overTls(call.ack(ok)))
    await eventually(
      () => world.stack.stats().tables['serverRequests'] === 0,
      () => 'no ACK',
    )
    alice.sendRaw(overTls(call.inDialog(ok, 'BYE', 2)))
    bob.answer(await bob.expect('BYE'), 200)
    await alice.expect('200 BYE')
    expect(count('connectionsOpened')).toBe(1)
    await world.quiescent()
  },
)

it.each([
  { name: 'an authority nobody knows', identity: stranger.issue({ hosts: ['127.0.0.1'] }) },
  { name: 'a certificate of another host', identity: authority.issue({ hosts: ['bob.example'] }) },
  {
    name: 'an expired certificate',
    identity: authority.issue({ hosts: ['127.0.0.1'], expiresAt: new Date('2026-01-01') }),
  },
])('calls nobody who shows $name, and says so (RFC 5922)', async ({ identity }) => {
  const warnings: string[] = []
  await start({ onWarning: (sentence) => warnings.push(sentence) })
  const bob = await openPhone(identity)
  const { srf } = await world.application()
  const uri = `sip:bob@127.0.0.1:${bob.port};transport=tls`
  await expect(srf.createUAC(uri, { localSdp: SDP })).rejects.toMatchObject({ status: 503 })
  expect(bob.inbox).toEqual([])
  expect(count('tlsPeersNotVerified')).toBe(1)
  expect(warnings).toEqual([
    expect.stringMatching(/^TLS to 127\.0\.0\.1 \(127\.0\.0\.1:\d+\) is refused: /),
  ])
})

it('goes on in a dialog with whom it has verified by name, although the Contact is an address', async () => {
  const nameServer = await startNameServer((name) => (name === 'bob.test' ? ['127.0.0.1'] : 3))
  await start({ nameServers: [nameServer] })
  const bob = await openPhone(authority.issue({ hosts: ['bob.test'] }))
  const { srf } = await world.application()
  const calling = srf.createUAC(`sips:bob@bob.test:${bob.port}`, { localSdp: SDP })
  const contact = `<sip:bob@127.0.0.1:${bob.port};transport=tls>`
  bob.answer(await bob.expect('INVITE'), 200, { body: SDP, contact })
  await bob.expect('ACK')
  await (await calling).destroy()
  await bob.expect('BYE')
  expect(count('connectionsOpened')).toBe(1)
})

it('sends a caller what belongs to the dialog on the connection that the caller has opened', async () => {
  await start()
  const alice = await openPhone(authority.issue({ hosts: ['alice.test'] }))
  const application = await world.application({
    invite: (req, res) => {
      void application.srf.createUAS(req, res, { localSdp: SDP }).then((dialog) => dialog.destroy())
    },
  })
  const call = caller(alice, world.port)
  const contact = `;transport=tls>`
  alice.sendRaw(overTls(call.invite()).replace(/(Contact: [^>]+)>/, `$1${contact}`))
  alice.sendRaw(overTls(call.ack(await alice.expect(200))))
  alice.answer(await alice.expect('BYE'), 200)
  expect(count('connectionsOpened')).toBe(0)
  await world.quiescent()
})

it('is reached by sips in a dialog that began by sips (RFC 3261 §8.1.1.8, §12.1.1)', async () => {
  await start()
  const [alice, bob] = [await openPhone(ours), await openPhone(ours)]
  const application = await world.application({
    invite: (req, res) => {
      const uri = `sips:bob@127.0.0.1:${bob.port}`
      application.srf.createB2BUA(req, res, uri).catch(() => undefined)
    },
  })
  const call = caller(alice, world.port)
  alice.sendRaw(overTls(call.invite({ uri: `sips:bob@127.0.0.1:${world.port}` })))
  const invite = await bob.expect('INVITE')
  const contact = new RegExp(`\r\nContact: [^\r]*<sips:[^>]*127\\.0\\.0\\.1:${world.port}>\r\n`)
  expect(invite.text).toMatch(contact)
  bob.answer(invite, 200, { body: SDP, contact: `<sips:bob@127.0.0.1:${bob.port}>` })
  expect((await alice.expect(200)).text).toMatch(contact)
})

it('tells applications of the address', async () => {
  await start()
  const frames = await openFrames(world.stack.admin)
  const { words } = await frames.ask('authenticate|secret|')
  frames.close()
  expect(words[1]).toBe(`tls/127.0.0.1:${world.port}`)
})

it('shows a certificate that has been read again, and leaves connections as they are', async () => {
  await start()
  const before = await openSocket()
  const renewed = authority.issue({ hosts: ['127.0.0.1', 'sip.example.com'] })
  write(renewed)
  expect(world.stack.reloadCertificate()).toMatchObject({
    names: 'IP Address:127.0.0.1, DNS:sip.example.com',
  })
  const after = await openSocket()
  expect(fingerprint(after)).not.toBe(fingerprint(before))
  before.write('\r\n\r\n')
  const [pong] = (await once(before, 'data')) as [Buffer]
  expect(pong.toString()).toBe('\r\n')
})

it('keeps the certificate it has when the new one cannot be used', async () => {
  await start()
  const before = await openSocket()
  write({ certificate: authority.issue({ hosts: ['127.0.0.1'] }).certificate, key: ours.key })
  expect(() => world.stack.reloadCertificate()).toThrow('does not belong to the certificate')
  expect(fingerprint(await openSocket())).toBe(fingerprint(before))
})

it('knows when its certificate ends', async () => {
  const expiresAt = new Date('2026-02-01T00:00:00Z')
  await start({ tls: write(authority.issue({ hosts: ['127.0.0.1'], expiresAt })) })
  expect(world.stack.certificate).toEqual({ names: 'IP Address:127.0.0.1', expiresAt })
})

it('closes a connection that speaks without TLS', async () => {
  await start()
  const socket = connectTcp(world.port, '127.0.0.1')
  socket.resume()
  const closed = untilClosed(socket)
  socket.write('OPTIONS sip:127.0.0.1 SIP/2.0\r\n\r\n')
  await closed
  expect(count('tlsHandshakesFailed')).toBe(1)
  expect(count('requestsReceived')).toBe(0)
})

it('closes a connection that does not finish its handshake, and gives its place away', async () => {
  await start({ connections: { connectMs: 250, perExemptSource: 1 } })
  const socket = connectTcp(world.port, '127.0.0.1')
  const closed = untilClosed(socket)
  await once(socket, 'connect')
  socket.write(Buffer.from([0x16, 0x03, 0x01]))
  await closed
  expect(count('tlsHandshakesFailed')).toBe(1)
  const next = await openSocket()
  next.end('no SIP at all')
  await untilClosed(next)
  await openSocket()
})

it('counts a connection from its first byte, before any handshake', async () => {
  await start({ connections: { perExemptSource: 1 } })
  const first = connectTcp(world.port, '127.0.0.1')
  closers.push(() => first.destroy())
  await once(first, 'connect')
  const second = connectTcp(world.port, '127.0.0.1')
  await untilClosed(second)
  expect(count('connectionsRefused')).toBe(1)
  first.destroy()
  await eventually(
    () => count('tlsHandshakesFailed') === 1,
    () => 'the place is not left',
  )
  await openSocket()
})

it('needs a certificate', async () => {
  await expect(openWorld({ sip })).rejects.toThrow('SIP over TLS needs a certificate and its key.')
})
