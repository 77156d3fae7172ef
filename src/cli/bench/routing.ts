import type { Buyer, Route } from '../../domain/campaign.ts'
import { NO_LOAD } from '../../domain/caps.ts'
import { planRoutes, type RoutingRequest, type RoutingState } from '../../domain/routing.ts'
import { quantile } from './figure.ts'
import type { Bench } from './registry.ts'

const BUYERS = 500
/** What the live path may spend on a decision. */
const TARGET_MICROSECONDS = 50
const WARM_UP = 2_000

/** The decision which of 500 buyers a call goes to, each with hours, filters and caps of its own. */
export const routingBench: Bench = {
  name: 'routing',
  about: 'the live routing decision with 500 buyers, beside the limit it has to keep',
  run: async ({ seconds }) => {
    const { request, state } = aLargeCampaign()
    for (let round = 0; round < WARM_UP; round++) planRoutes(request, state)
    const taken: number[] = []
    const endMs = performance.now() + seconds * 1_000
    while (performance.now() < endMs) {
      const startMs = performance.now()
      planRoutes(request, state)
      taken.push((performance.now() - startMs) * 1_000)
    }
    const peer = { name: 'limit', value: TARGET_MICROSECONDS }
    const common = { bench: 'routing', unit: 'µs', better: 'lower', peer } as const
    return [
      { ...common, figure: 'decision', value: quantile(taken, 0.5) },
      { ...common, figure: 'decision_p99', value: quantile(taken, 0.99) },
    ]
  },
}

function aLargeCampaign(): { request: RoutingRequest; state: RoutingState } {
  const buyers = new Map(Array.from({ length: BUYERS }, (_, index) => aBuyer(index)))
  const load = { ...NO_LOAD, concurrent: 3, total: 20 }
  return {
    request: {
      routes: [...buyers.keys()].map(aRoute),
      publisherId: 'publisher',
      callerNumber: '+12125550100',
      findBuyer: (buyerId) => buyers.get(buyerId),
      isReachable: () => true,
      random: Math.random,
    },
    state: { now: new Date(), loadOf: () => load, earlierBuyerId: undefined },
  }
}

const aRoute = (buyerId: string, index: number): Route => ({
  buyerId,
  priority: (index % 3) + 1,
  weight: (index % 7) + 1,
  ringsTogether: false,
  filters: index % 4 === 0 ? { callerPrefixes: ['+1415', '+1212'] } : {},
})

const ZONES = ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles']

function aBuyer(index: number): [string, Buyer] {
  const buyerId = `buyer-${index}`
  const everyDay = [1, 2, 3, 4, 5, 6, 7]
  return [
    buyerId,
    {
      buyerId,
      name: buyerId,
      endpoint: `sip:${buyerId}@127.0.0.1`,
      requestUri: `sip:${buyerId}@127.0.0.1`,
      pingMs: undefined,
      auth: undefined,
      ringTimeoutMs: 25_000,
      setupTimeoutMs: 6_000,
      callMsMax: undefined,
      uuidFormat: 'standard',
      headers: [],
      passHeaders: [],
      paused: false,
      hours: {
        timeZone: ZONES[index % ZONES.length] ?? 'UTC',
        open: [{ weekdays: everyDay, fromMinute: 0, untilMinute: 1_440 }],
      },
      caps: { concurrent: 10, hourly: 100, daily: 500, monthly: 9_000, total: 50_000 },
      isTrusted: false,
      numbers: { format: 'e164', country: undefined, prefix: '', isMarked: false },
    },
  ]
}
