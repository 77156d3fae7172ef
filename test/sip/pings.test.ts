import { expect, it, onTestFinished } from 'vitest'
import type { Buyer } from '../../src/domain/campaign.ts'
import { startPings } from '../../src/sip/pings.ts'
import { aBuyer } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

const URI = 'sip:a@198.51.100.7'

function start(status: number | undefined, buyers: readonly Buyer[]) {
  const asked: string[] = []
  const seen: string[] = []
  const pings = startPings({
    client: {
      ping: async (uri) => {
        asked.push(uri)
        return status
      },
    },
    health: { report: (uri, { kind }) => seen.push(`${uri} ${kind}`) },
    buyers: () => buyers,
    random: () => 0,
  })
  onTestFinished(pings.close)
  return { asked, seen }
}

it.each([
  [200, 'ping_answered'],
  [404, 'ping_answered'],
  [405, 'ping_answered'],
  [501, 'ping_answered'],
  [408, 'ping_failed'],
  [503, 'ping_failed'],
  [undefined, 'ping_failed'],
])('an endpoint that answers OPTIONS with %s: %s', async (status, kind) => {
  const { seen } = start(status, [aBuyer({ requestUri: URI, pingMs: 10_000 })])
  expect(await waitFor(() => seen[0], { what: 'the ping' })).toBe(`${URI} ${kind}`)
})

it('asks an endpoint once however many buyers are on it, and those without interval never', async () => {
  const { asked } = start(200, [
    aBuyer({ requestUri: URI, pingMs: 60_000 }),
    aBuyer({ requestUri: URI, pingMs: 60_000 }),
    aBuyer({ requestUri: 'sip:quiet@198.51.100.8' }),
    aBuyer({ requestUri: 'sip:last@198.51.100.9', pingMs: 60_000 }),
  ])
  await waitFor(() => asked.includes('sip:last@198.51.100.9'), { what: 'the last ping' })
  expect(asked).toEqual([URI, 'sip:last@198.51.100.9'])
})
