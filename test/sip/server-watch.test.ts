import { EventEmitter } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { watchServer, type Wire } from '../../src/sip/server-watch.ts'
import { connectSipClient } from '../../src/sip/srf.ts'
import { waitFor } from '../support/wait.ts'

const TIMES = { pingMs: 10, silentPingsMax: 8, connectPingsMax: 2 }

/** A server that lets everybody in and answers pings, as long as it answers anything. */
async function startServer({ version = 'v0.9.10', isSilent = false } = {}) {
  const state = { isSilent, connections: 0, pings: 0 }
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    state.connections++
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      for (const [, id, what] of String(data).matchAll(/#([^|]+)\|(\w+)/g)) {
        if (what === 'ping') state.pings++
        if (!state.isSilent) socket.write(answer(id ?? '', what ?? ''))
      }
    })
  })
  const answer = (id: string, what: string) => {
    const words = what === 'authenticate' ? `OK|udp/127.0.0.1:5060|${version}` : 'OK|pong'
    const frame = `x|response|${id}|${words}`
    return `${frame.length}#${frame}`
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { state, port: (server.address() as AddressInfo).port }
}

/** A client of it, and how often it has been let in and was left alone. */
async function connect(port: number) {
  const seen = { connected: 0, closed: 0, errors: [] as string[] }
  const client = connectSipClient(
    { host: '127.0.0.1', port, secret: 'secret', watch: TIMES },
    {
      onRequest: {},
      onConnect: () => seen.connected++,
      onRefused: () => {},
      onError: ({ message }) => void seen.errors.push(message),
      onClose: () => seen.closed++,
      onFailure: () => {},
    },
  )
  onTestFinished(() => client.disconnect())
  return seen
}

it('gives up a server that says nothing more, and connects again', async () => {
  const { port, state } = await startServer()
  const seen = await connect(port)
  await waitFor(() => state.pings > 0, { what: 'a ping' })
  state.isSilent = true
  await waitFor(() => seen.closed === 1, { what: 'the silence to be noticed' })
  expect(seen.errors).toEqual(['No sign of life for 80 ms.'])
  state.isSilent = false
  await waitFor(() => seen.connected === 2, { what: 'another connection' })
})

it('stays with a server that has nothing to say than that it is there', async () => {
  const { port, state } = await startServer()
  const seen = await connect(port)
  await waitFor(() => state.pings > 3 * TIMES.silentPingsMax, { what: 'many pings' })
  expect([seen, state.connections]).toEqual([{ connected: 1, closed: 0, errors: [] }, 1])
})

it('gives up a server that does not answer who asks to be let in', async () => {
  const { port, state } = await startServer({ isSilent: true })
  await connect(port)
  await waitFor(() => state.connections > 1, { what: 'another attempt' })
  expect(state.pings).toBe(0)
})

it('leaves a server alone that does not know pings', async () => {
  const old = await startServer({ version: 'v0.8.1' })
  const clock = await startServer()
  const seen = await connect(old.port)
  await waitFor(() => seen.connected === 1, { what: 'the connection' })
  await connect(clock.port)
  await waitFor(() => clock.state.pings > 2 * TIMES.silentPingsMax, { what: 'many pings' })
  expect([seen, old.state.pings]).toEqual([{ connected: 1, closed: 0, errors: [] }, 0])
})

it('does not hold its own standstill for silence of the server', async () => {
  const { port, state } = await startServer()
  const seen = await connect(port)
  await waitFor(() => state.pings > 0, { what: 'a ping' })
  const until = performance.now() + 2 * TIMES.silentPingsMax * TIMES.pingMs
  while (performance.now() < until);
  const before = state.pings
  await waitFor(() => state.pings > before + 2, { what: 'more pings' })
  expect(seen.closed).toBe(0)
})

it('gives up an attempt to connect that nobody answers', async () => {
  const destroyed: string[] = []
  const socket = { connecting: true, destroyed: false, destroy: () => destroyed.push('attempt') }
  const wire = Object.assign(new EventEmitter(), { socket, reconnectVars: {}, send: () => {} })
  const watch = watchServer(wire as unknown as Wire, TIMES)
  await waitFor(() => destroyed.length > 0, { what: 'the attempt to be given up' })
  Object.assign(socket, { end: () => {} })
  watch.disconnect()
})
