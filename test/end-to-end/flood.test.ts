import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { openStopwatch } from '../../src/cli/bench/stopwatch.ts'
import { createApi } from '../../src/cli/demo/api.ts'
import { makeDataDir, startService } from '../support/service.ts'

const TRUNK_RATE = 50
const FLOOD_RATE = 2_000
const SECONDS = 4

it('2,000 INVITEs a second of a stranger leave a trunk at 50 its calls (F45)', async () => {
  const stopwatch = await openStopwatch()
  onTestFinished(stopwatch.close)
  const service = await startService(await makeDataDir())
  await createApi(service.api, service.apiKey).apply(configuration(stopwatch.buyerPort))
  const flood = await startFlood(service.sip)
  const subject = { name: 'flooded', isPinging: false, sip: service.sip, close: async () => {} }
  const calls = await stopwatch.run(subject, TRUNK_RATE, SECONDS)
  const { sent, answers } = flood.stop()

  const reached = calls.filter(({ reachedAtMs }) => reachedAtMs !== undefined)
  expect(reached.length).toBeGreaterThanOrEqual(0.99 * TRUNK_RATE * SECONDS)
  expect(sent).toBeGreaterThan(0.9 * FLOOD_RATE * SECONDS)
  expect([...answers]).toEqual(['403'])
}, 60_000)

const configuration = (buyerPort: number): object => ({
  publishers: [{ id: 'publisher', name: 'Publisher' }],
  buyers: [{ id: 'buyer', name: 'Buyer', endpoint: `sip:buyer@127.0.0.1:${buyerPort}` }],
  trunks: [{ id: 'carrier', allow: ['127.0.0.1'] }],
  campaigns: [
    {
      id: 'campaign',
      name: 'Campaign',
      numbers: [{ number: '+18005550100', publisher: 'publisher' }],
      routes: [{ buyer: 'buyer' }],
    },
  ],
})

/** Sends INVITEs that are never acknowledged, from an address that no trunk has. */
async function startFlood({ host, port }: { readonly host: string; readonly port: number }) {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.9')
  await once(socket, 'listening')
  const answers = new Set<string>()
  socket.on('message', (bytes) => {
    const status = /^SIP\/2\.0 (\d{3})/.exec(bytes.toString())?.[1] ?? ''
    if (status !== '100') answers.add(status)
  })
  const own = `127.0.0.9:${socket.address().port}`
  const startMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1_000) * FLOOD_RATE
    for (; sent < due; sent++) socket.send(anInvite(own, sent), port, host)
  }, 5)
  const stop = () => {
    clearInterval(timer)
    socket.removeAllListeners('message')
    return { sent, answers }
  }
  onTestFinished(() => {
    stop()
    socket.close()
  })
  return { stop }
}

const anInvite = (own: string, call: number): string =>
  [
    'INVITE sip:+19005550100@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP ${own};branch=z9hG4bK-flood-${call}`,
    'Max-Forwards: 70',
    `From: <sip:x@${own}>;tag=${call}`,
    'To: <sip:+19005550100@127.0.0.1>',
    `Call-ID: flood-${call}@${own}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:x@${own}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
