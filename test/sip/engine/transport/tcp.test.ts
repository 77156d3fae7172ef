import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { caller } from '../support/caller.ts'
import { untilClosed } from '../support/closing.ts'
import { openTcpPhone, type Phone, SDP } from '../support/phone.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let alice: Phone
let bob: Phone

beforeEach(async () => {
  world = await openWorld({ sip: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }] })
  alice = await openTcpPhone(world.port)
  bob = await openTcpPhone(world.port)
})

afterEach(async () => {
  await Promise.all([alice.close(), bob.close()])
  await world.close()
})

const overTcp = (text: string): string => text.replace('SIP/2.0/UDP', 'SIP/2.0/TCP')

it('carries a call, each leg on connections of its own', async () => {
  const application = await world.application({
    invite: (req, res) => {
      const uri = `sip:bob@127.0.0.1:${bob.port};transport=tcp`
      void application.srf.createB2BUA(req, res, uri).then(({ uac, uas }) => {
        uas.on('destroy', () => void uac.destroy())
        uac.on('destroy', () => void uas.destroy())
      })
    },
  })
  const call = caller(alice, world.port)
  alice.sendRaw(overTcp(call.invite()))
  const invite = await bob.expect('INVITE')
  expect(invite.text).toContain(`\r\nVia: SIP/2.0/TCP 127.0.0.1:${world.port};rport;branch=`)
  expect(invite.text).toContain(`127.0.0.1:${world.port};transport=tcp>\r\n`)
  const contact = `<sip:bob@127.0.0.1:${bob.port};transport=tcp>`
  bob.answer(invite, 200, { body: SDP, contact })
  await bob.expect('ACK')
  const ok = await alice.expect(200)
  expect(ok.text).toContain(`Contact: <sip:127.0.0.1:${world.port};transport=tcp>\r\n`)
  alice.sendRaw(overTcp(call.ack(ok)))
  await eventually(
    () => world.stack.stats().tables['serverRequests'] === 0,
    () => 'no ACK',
  )
  alice.sendRaw(overTcp(call.inDialog(ok, 'BYE', 2)))
  bob.answer(await bob.expect('BYE'), 200, { contact })
  await alice.expect('200 BYE')
  await world.quiescent()
})

it('reports 503 at once when the port refuses connections', async () => {
  await bob.close()
  const application = await world.application()
  const uri = `sip:bob@127.0.0.1:${bob.port};transport=tcp`
  const call = application.srf.createUAC(uri, { localSdp: SDP })
  await expect(call).rejects.toMatchObject({ status: 503 })
})

it('reports 503 when the connection ends before an answer', async () => {
  const application = await world.application()
  const uri = `sip:bob@127.0.0.1:${bob.port};transport=tcp`
  const call = application.srf.createUAC(uri, { localSdp: SDP }).catch((error: unknown) => error)
  await bob.expect('INVITE')
  await bob.close()
  expect(await call).toMatchObject({ status: 503 })
})

it('answers keep-alives', async () => {
  const socket = connect(world.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('\r\n\r\n')
  const [pong] = (await once(socket, 'data')) as [Buffer]
  expect(pong.toString()).toBe('\r\n')
  socket.destroy()
})

it('closes a connection that speaks something else', async () => {
  const socket = connect(world.port, '127.0.0.1')
  const closed = untilClosed(socket)
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await closed
  expect(world.stack.stats().tables['sockets']).toBe(3)
})

it('accepts twenty connections of one source and no more', async () => {
  const guard = { exemptLoopback: false }
  const other = await openWorld({ sip: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }], guard })
  const sockets = Array.from({ length: 20 }, () => connect(other.port, '127.0.0.1'))
  await Promise.all(sockets.map(async (socket) => once(socket, 'connect')))
  const last = connect(other.port, '127.0.0.1')
  await untilClosed(last)
  expect(other.stack.stats().tables['sockets']).toBe(21)
  expect(other.stack.stats().counters['connectionsRefused']).toBe(1)
  for (const socket of sockets) socket.destroy()
  await other.close()
})
