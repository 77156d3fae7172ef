import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { untilClosed } from '../support/closing.ts'
import { startControlServer } from '../../../../src/sip/engine/control/server.ts'
import { frame } from '../../../../src/sip/engine/control/framing.ts'
import { connectApplication } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { caller } from '../support/caller.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let socket: Socket
let received: string

beforeEach(async () => {
  world = await openWorld()
  socket = connect(world.stack.admin)
  received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
  })
  await once(socket, 'connect')
})

afterEach(async () => {
  socket.destroy()
  await world.close()
})

const got = async (what: string): Promise<string> =>
  eventually(
    () => received.includes(what) && received,
    () => `no ${what} in ${received}`,
  )

it('answers an authentication with addresses and a version that pings', async () => {
  socket.write(frame('id1|authenticate|secret|'))
  expect(await got('|response|id1|OK|')).toContain(`|OK|udp/127.0.0.1:${world.port}|v0.9.`)
})

it.each([
  'id1|route|invite',
  'id1|ping',
  'id1|sip||\r\nOPTIONS sip:x SIP/2.0',
  'id1|authenticate|no|',
])('refuses %j of a connection that has not shown the secret, and ends it', async (payload) => {
  const closed = once(socket, 'close')
  socket.write(frame(payload) + frame('id2|authenticate|secret|'))
  await closed
  expect(received).toMatch(/^\d+#[-0-9a-f]+\|response\|id1\|NO\|incorrect secret$/)
  expect(world.stack.stats().tables['dialogs']).toBe(0)
})

it('refuses the real client with a wrong secret', async () => {
  await expect(connectApplication(world.stack, {}, 'wrong')).rejects.toThrow(/authenticate/)
})

it('ends a connection that sends no frames', async () => {
  const closed = once(socket, 'close')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await closed
})

it('understands frames that arrive byte by byte', async () => {
  for (const byte of frame('id1|authenticate|secret|') + frame('id2|ping')) {
    socket.write(byte)
    await new Promise(setImmediate)
  }
  await got('|response|id2|OK|pong')
})

it('ends a connection that does not show the secret in time, although bytes trickle in', async () => {
  const options = { host: '127.0.0.1', port: 0, secret: 'secret', hostports: () => '' }
  const server = await startControlServer(
    { ...options, authenticationMs: 30 },
    { onSip: () => undefined, onGone: () => undefined },
  )
  const slow = connect({ port: server.port, host: server.host, noDelay: true })
  const closed = untilClosed(slow)
  slow.write('99999#')
  let bytes = 0
  const trickle = setInterval(() => {
    slow.write('x')
    bytes++
  }, 3)
  const known = connect(server.port, server.host)
  known.write(frame('id1|authenticate|secret|'))
  await closed
  clearInterval(trickle)
  expect(bytes).toBeLessThan(100) // ten would do: whatever stalls must not let it through
  known.write(frame('id2|ping'))
  const [answers] = (await once(known, 'data')) as [Buffer]
  expect(answers.toString('latin1')).toContain('|OK|')
  await eventually(
    () => server.connections() === 1,
    () => `${server.connections()} connections`,
  )
  await server.close()
})

it('says that it does not proxy', async () => {
  socket.write(frame('id1|authenticate|secret|') + frame('id2|proxy|t|||serial|||sip:x\r\nINVITE'))
  await got('|response|id2|NOK|proxy not supported')
})

it('ends a connection that sends an unknown kind of message', async () => {
  const closed = once(socket, 'close')
  socket.write(frame('id1|authenticate|secret|') + frame('id2|dance'))
  await closed
  expect(received).toContain('|response|id2|NO|Unknown message type')
})

it('takes turns between applications, and stops a verb for one of them only', async () => {
  const phone = await world.phone()
  socket.write(
    frame('id1|authenticate|secret|') + frame('id2|route|invite') + frame('id3|route|info'),
  )
  await got('id3|OK')
  await world.application({ invite: (_req, res) => res.send(486) })
  phone.sendRaw(caller(phone, world.port).invite())
  phone.sendRaw(caller(phone, world.port).invite())
  await phone.expect(486)
  await got('INVITE sip:')

  socket.write(frame('id4|remove_route|invite'))
  await got('id4|OK')
  for (const _ of [1, 2]) {
    phone.sendRaw(caller(phone, world.port).invite())
    await phone.expect(486)
  }
})

it.each([
  { text: 'SIP/2.0 200 OK\r\n\r\n', reason: 'Response not sent due to unknown transaction' },
  { text: 'ACK sip:x SIP/2.0\r\n\r\n', reason: 'unable to find dialog' },
  { text: 'BYE nonsense\r\n\r\n', reason: 'invalid request line: BYE nonsense' },
  { text: 'INVITE sip:x@127.0.0.1 SIP/2.0\r\n\r\nbody', reason: 'missing content-type' },
  {
    text: 'INVITE sip:x@127.0.0.1 SIP/2.0\r\nFrom: <sip:x\r\n\r\n',
    reason: 'invalid from value provided by client',
  },
  {
    text: 'INFO sip:x@127.0.0.1 SIP/2.0\r\nX-A: 1\nX-B: 2\r\n\r\n',
    reason: 'invalid message: Control Character In Header',
  },
])('tells the application $reason', async ({ reason, text }) => {
  socket.write(frame('id1|authenticate|secret|') + frame(`id2|sip||\r\n${text}`))
  await got(`|response|id2|NOK|${reason}`)
})

it('sends events of the call record to whoever asks for them', async () => {
  const phone = await world.phone()
  socket.write(frame('id1|authenticate|secret|') + frame('id2|route|cdr:attempt'))
  await got('id2|OK')
  await world.application({ invite: (_req, res) => res.send(486) })
  phone.sendRaw(caller(phone, world.port).invite())
  await phone.expect(486)
  expect(await got('|cdr:attempt|network|')).toMatch(/\|cdr:attempt\|network\|[\d:.]+\r\nINVITE /)
})
