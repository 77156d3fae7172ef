import { expect, it, onTestFinished } from 'vitest'
import { startFlood } from '../../src/cli/bench/flood-source.ts'
import { openStopwatch } from '../../src/cli/bench/stopwatch.ts'
import { createApi } from '../../sip-scenarios/api.ts'
import { makeDataDir, startService } from '../support/service.ts'

const TRUNK_RATE = 50
const FLOOD_RATE = 2_000
const SECONDS = 4

it('2,000 INVITEs a second of a stranger leave a trunk at 50 its calls (F45)', async () => {
  const stopwatch = await openStopwatch()
  onTestFinished(stopwatch.close)
  const service = await startService(await makeDataDir())
  await createApi(service.api, service.apiKey).configure(configuration(stopwatch.buyerPort))
  const flood = await startFlood({ ...service.sip, rate: FLOOD_RATE })
  const subject = { name: 'flooded', isPinging: false, sip: service.sip, close: async () => {} }
  const calls = await stopwatch.attempt(subject, TRUNK_RATE, SECONDS)
  const { sent, answers } = await flood.stop()

  const over = calls.filter(({ isOver }) => isOver)
  expect(over.length).toBeGreaterThanOrEqual(0.99 * TRUNK_RATE * SECONDS)
  expect(sent).toBeGreaterThan(0.9 * FLOOD_RATE * SECONDS)
  // Few of them come as far as the service; the engine answers one beyond its limit and drops the rest.
  expect(Object.keys(answers)).toEqual(['403', '503'])
  expect(answers['403']).toBeLessThan(0.2 * sent)
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
