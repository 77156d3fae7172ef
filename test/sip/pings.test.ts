import { expect, it, onTestFinished } from 'vitest'
import type { Buyer } from '../../src/domain/campaign.ts'
import { startPings } from '../../src/sip/pings.ts'
import { aBuyer } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

const URI = 'sip:a@198.51.100.7'

function start(status: number | undefined, buyers: readonly Buyer[], connection = { is: true }) {
  const asked: string[] = []
  const seen: string[] = []
  const pings = startPings({
    client: {
      ping: async (uri) => {
        asked.push(uri)
        return status
      },
    },
    isConnected: () => connection.is,
    health: { report: (uri, { kind }) => seen.push(`${uri} ${kind}`) },
    buyers: () => buyers,
    random: () => 0,
    onFailure: (error) => seen.push(String(error)),
    lookMs: 5,
  })
  onTestFinished(pings.close)
  return { asked, seen, connection }
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

it('a SIP server that is away says nothing of anybody', async () => {
  const buyers = [aBuyer({ requestUri: URI, pingMs: 10_000 })]
  const { asked, connection } = start(200, buyers, { is: false })
  const { asked: meanwhile } = start(200, buyers)
  await waitFor(() => meanwhile.length > 0, { what: 'a ping of somebody who is connected' })
  expect(asked).toEqual([])
  connection.is = true
  await waitFor(() => asked.length > 0, { what: 'the ping once it is back' })
})

it('a SIP server that goes away under a ping says nothing of the endpoint', async () => {
  const connection = { is: true }
  const seen: string[] = []
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<undefined>()
  const pings = startPings({
    client: {
      ping: (uri) => {
        if (uri === URI) asked.resolve()
        return uri === URI ? answer.promise : Promise.resolve(200)
      },
    },
    isConnected: () => connection.is,
    health: { report: (uri) => seen.push(uri) },
    buyers: () => [
      aBuyer({ requestUri: URI, pingMs: 10_000 }),
      aBuyer({ requestUri: 'sip:b@198.51.100.8', pingMs: 10_000 }),
    ],
    random: () => 0,
    onFailure: () => {},
    lookMs: 5,
  })
  onTestFinished(pings.close)
  await asked.promise
  connection.is = false
  answer.resolve(undefined)
  await waitFor(() => seen.includes('sip:b@198.51.100.8'), { what: 'the other answer' })
  expect(seen).toEqual(['sip:b@198.51.100.8'])
})

it('asks a host once however many buyers are on it, and those without interval never', async () => {
  const { asked } = start(200, [
    aBuyer({ requestUri: URI, pingMs: 60_000 }),
    aBuyer({ requestUri: 'sip:b@198.51.100.7;user=phone', pingMs: 60_000 }),
    aBuyer({ requestUri: 'sip:quiet@198.51.100.8' }),
    aBuyer({ requestUri: 'sip:last@198.51.100.9', pingMs: 60_000 }),
  ])
  await waitFor(() => asked.includes('sip:last@198.51.100.9'), { what: 'the last ping' })
  expect(asked).toEqual([URI, 'sip:last@198.51.100.9'])
})
