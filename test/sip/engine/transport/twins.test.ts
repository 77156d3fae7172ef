import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { type Hop, hopKey } from '../../../../src/sip/engine/transport/transport.ts'
import { createTwins, type Twins } from '../../../../src/sip/engine/transport/twins.ts'
import { eventually } from '../support/eventually.ts'

const HOST = '127.0.0.1'
const sockets: Socket[] = []
let twins: Twins
let nowMs = 1_000
let refused: string[]
let opened: Socket[]
/** What happens to sockets before they are used. */
let prepare: (socket: Socket) => void

afterEach(() => {
  twins.close()
  for (const socket of sockets.splice(0)) socket.close()
})

/** A socket of somebody else's, and its port. */
async function openTaken(): Promise<number> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket.address().port
}

function open(bind: (twin: Socket) => void = (twin) => twin.bind(0, HOST)): void {
  refused = []
  opened = []
  prepare = () => undefined
  twins = createTwins({
    open: () => {
      // Without a lookup that takes its time, errors come before `bind` returns.
      const lookup = (host: string, _: unknown, done: Found): void => done(null, host, 4)
      const socket = createSocket({ type: 'udp4', lookup })
      prepare(socket)
      opened.push(socket)
      return socket
    },
    bind,
    receive: () => undefined,
    unreachable: (to) => void refused.push(hopKey(to)),
    now: () => nowMs,
  })
}

type Found = (error: Error | null, address: string, family: number) => void

const hop = (port: number): Hop => ({ transport: 'udp', address: HOST, port })

it('does not take the trouble of its own sockets for a refusal', async () => {
  const taken = await openTaken()
  open((twin) => twin.bind({ address: HOST, port: taken, exclusive: true }))
  twins.watch(hop(9))
  await eventually(
    () => twins.size() === 0,
    () => 'the socket that cannot be had is kept',
  )
  expect(refused).toEqual([])
})

it('tells of a port that refuses packets', async () => {
  open()
  const port = await openTaken()
  await Promise.all(sockets.splice(0).map((socket) => socket[Symbol.asyncDispose]()))
  twins.watch(hop(port))
  const [twin] = opened
  assert(twin)
  await once(twin, 'connect')
  await eventually(
    () => {
      twin.send('x')
      return refused.length > 0
    },
    () => 'no refusal',
  )
  expect(refused[0]).toBe(`udp/127.0.0.1:${port}`)
  expect(twins.size()).toBe(1)
})

it.each([
  { code: 'ENETUNREACH', told: ['udp/127.0.0.1:20000'] },
  { code: 'EINVAL', told: [] },
])('keeps no socket that could not be connected ($code)', async ({ code, told }) => {
  open()
  prepare = (twin) => {
    // A machine without a route to there.
    twin.connect = () => twin.emit('error', Object.assign(new Error('no way'), { code }))
  }
  twins.watch(hop(20_000))
  // Bound to the listener's address and connected to nobody, it would be given the packets of all.
  expect([twins.size(), refused]).toEqual([0, told])
  const [twin] = opened
  assert(twin)
  await once(twin, 'close')
})

it('closes no socket whose packets somebody may wait for', () => {
  open()
  const firstPort = 20_000
  for (let at = 0; at < 256; at++) twins.watch(hop(firstPort + at))
  nowMs += 31_999
  twins.watch(hop(firstPort + 256))
  expect(opened).toHaveLength(256)
  nowMs += 1
  twins.watch(hop(firstPort)) // as good as new
  twins.watch(hop(firstPort + 256))
  expect([opened.length, twins.size()]).toEqual([257, 256])
  twins.watch(hop(firstPort)) // still there
  twins.watch(hop(firstPort + 1)) // in whose place the new one came, and the next goes
  expect([opened.length, twins.size()]).toEqual([258, 256])
})
