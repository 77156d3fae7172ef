import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { ConnectionLimits } from '../../../../src/sip/engine/options.ts'
import { caller } from '../support/caller.ts'
import { untilClosed } from '../support/closing.ts'
import { eventually } from '../support/eventually.ts'
import { openTcpPhone, SDP } from '../support/phone.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await world.close()
})

async function start(connections: Partial<ConnectionLimits>): Promise<void> {
  world = await openWorld({ sip: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }], connections })
}

async function openSocket(): Promise<Socket> {
  const socket = connect(world.port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

async function openClosing(): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = await openSocket()
  return { socket, closed: untilClosed(socket) }
}

const overTcp = (text: string): string => text.replace('SIP/2.0/UDP', 'SIP/2.0/TCP')
const count = (name: string): number => world.stack.stats().counters[name] ?? 0

async function untilCounted(name: string): Promise<void> {
  await eventually(
    () => count(name) > 0,
    () => `no ${name}`,
  )
}

it('ends a connection that is idle, and sends a keep-alive on one that a call needs', async () => {
  await start({ idleMs: 100 })
  const { srf } = await world.application({
    invite: (req, res) => void srf.createUAS(req, res, { localSdp: SDP }),
  })
  const alice = await openTcpPhone(world.port)
  const call = caller(alice, world.port)
  alice.sendRaw(overTcp(call.invite()))
  const ok = await alice.expect(200)
  alice.sendRaw(overTcp(call.ack(ok)))
  const idle = await openSocket()
  await untilClosed(idle)
  await untilCounted('keepAlivesSent')
  expect(count('connectionsIdle')).toBe(1)
  alice.sendRaw(overTcp(call.inDialog(ok, 'BYE', 2)))
  await alice.expect('200 BYE')
  await alice.close()
})

it('ends a connection whose message takes too long, although bytes trickle in', async () => {
  await start({ messageMs: 50 })
  const socket = await openSocket()
  const closed = untilClosed(socket)
  socket.write('OPTIONS sip:x SIP/2.0\r\n')
  const trickle = setInterval(() => socket.write('X: 1\r\n'), 5)
  await closed
  clearInterval(trickle)
  expect(count('connectionsTooSlow')).toBe(1)
})

it('ends a connection that does not read what it is sent', async () => {
  await start({})
  const socket = await openSocket()
  socket.pause()
  for (let at = 0; at < 6_000; at++) socket.write(longOptions(at))
  await untilCounted('connectionsNotReading')
})

/** Its answer repeats most of it. */
const longOptions = (at: number): string =>
  [
    'OPTIONS sip:127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-${at}`,
    `From: "${'x'.repeat(3_500)}" <sip:a@127.0.0.1>;tag=1`,
    'To: <sip:b@127.0.0.1>',
    `Call-ID: ${at}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')

it('counts connections like requests, and takes none of a banned source', async () => {
  const guard = { requestsPerSecond: 1, burst: 2, exemptLoopback: false }
  world = await openWorld({ sip: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }], guard })
  await openSocket()
  const { socket, closed } = await openClosing()
  expect(socket.destroyed).toBe(false)
  socket.write(longOptions(0))
  await eventually(
    () => count('requestsLimited') === 1,
    () => JSON.stringify(world.stack.stats().counters),
  )
  const third = await openClosing()
  await third.closed
  expect(count('connectionsRefused')).toBe(1)
  expect(count('requestsLimited')).toBe(2)
  socket.destroy()
  await closed
})

it('opens no more connections than it may, and says 503 for those beyond', async () => {
  await start({ total: 1 })
  const bob = await openTcpPhone(world.port)
  const { srf } = await world.application()
  const dial = (port: number) =>
    srf.createUAC(`sip:x@127.0.0.1:${port};transport=tcp`, { localSdp: SDP })
  const first = dial(bob.port)
  first.catch(() => undefined)
  const invite = await bob.expect('INVITE')
  await expect(dial(9)).rejects.toMatchObject({ status: 503 })
  expect(count('connectionsOpened')).toBe(1)
  bob.answer(invite, 486)
  await expect(first).rejects.toMatchObject({ status: 486 })
  await bob.close()
})
