import { describe, expect, it } from 'vitest'
import type { Buyer, Route } from '../../src/domain/campaign.ts'
import { type Load, NO_LOAD } from '../../src/domain/caps.ts'
import { planRoutes, type RoutingRequest, type RoutingState } from '../../src/domain/routing.ts'
import { aBuyer } from '../support/flow.ts'

const CAPS = aBuyer().caps
const route = (buyerId: string, overrides: Partial<Route> = {}): Route => ({
  buyerId,
  priority: 1,
  weight: 1,
  ringsTogether: false,
  filters: {},
  ...overrides,
})

interface Given {
  readonly routes: readonly Route[]
  readonly buyers?: Readonly<Record<string, Partial<Buyer>>>
  readonly request?: Partial<RoutingRequest>
  readonly state?: Partial<RoutingState>
}

function plan({ routes, buyers = {}, request = {}, state = {} }: Given) {
  const { rounds, leftOut } = planRoutes(
    {
      routes,
      publisherId: 'acme',
      callerNumber: '+12125550100',
      findBuyer: (buyerId) =>
        buyerId === 'nobody' ? undefined : aBuyer({ buyerId, ...buyers[buyerId] }),
      isReachable: () => true,
      random: () => 0.5,
      ...request,
    },
    {
      now: new Date('2026-11-23T15:00:00Z'),
      loadOf: () => undefined,
      earlierBuyerId: undefined,
      ...state,
    },
  )
  return {
    rounds: rounds.map((round) => round.map(({ buyer }) => buyer.buyerId).join('+')),
    leftOut: leftOut.map(({ buyerId, reason }) => `${buyerId} ${reason}`),
  }
}

const NEW_YORK = {
  timeZone: 'America/New_York',
  open: [{ weekdays: [1, 2, 3, 4, 5], fromMinute: 540, untilMinute: 1050 }],
}

describe('the order of buyers', () => {
  it('goes by priority first', () => {
    const routes = [route('c', { priority: 3 }), route('a'), route('b', { priority: 2 })]
    expect(plan({ routes }).rounds).toEqual(['a', 'b', 'c'])
  })

  it('goes by lot inside a priority, so that the first places are shared by weight', () => {
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const routes = [route('a', { weight: 3 }), route('b')]
    const firsts = Array.from({ length: 4_000 }, () => plan({ routes, request: { random } }))
    const shareOfA = firsts.filter(({ rounds }) => rounds[0] === 'a').length / 4_000
    expect(shareOfA).toBeGreaterThan(0.72)
    expect(shareOfA).toBeLessThan(0.78)
  })

  it('puts a weight of 0 last in its priority', () => {
    const routes = [route('a', { weight: 0 }), route('b'), route('c', { priority: 2 })]
    expect(plan({ routes }).rounds).toEqual(['b', 'a', 'c'])
  })

  it('ends after 20 buyers, the best of the first priorities', () => {
    let seed = 7
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const names = Array.from({ length: 30 }, (_, index) => `b${index}`)
    const routes = [...names.map((name) => route(name, { priority: 2 })), route('first')]
    const { rounds, leftOut } = plan({ routes, request: { random } })
    expect([rounds[0], rounds.length, leftOut.length]).toEqual(['first', 20, 11])
    expect(leftOut.every((each) => each.endsWith(' too_far_down'))).toBe(true)
  })

  it('draws lots among more buyers than are tried as it does among few', () => {
    let seed = 3
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const many = Array.from({ length: 100 }, (_, index) => route(`b${index}`))
    const routes = [...many, route('heavy', { weight: 100 })]
    const firsts = Array.from(
      { length: 2_000 },
      () => plan({ routes, request: { random } }).rounds[0],
    )
    const share = firsts.filter((first) => first === 'heavy').length / 2_000
    expect(share).toBeGreaterThan(0.46)
    expect(share).toBeLessThan(0.54)
  })

  it('rings the members of a ring group at once, each priority for itself', () => {
    const together = { ringsTogether: true }
    const routes = [
      route('a', together),
      route('alone', { weight: 0 }),
      route('b', together),
      route('c', { ...together, priority: 2 }),
    ]
    expect(plan({ routes }).rounds).toEqual(['a+b', 'alone', 'c'])
  })

  it('begins with the buyer that the caller had before, if that can take the call', () => {
    const routes = [route('a'), route('b', { priority: 2 })]
    const state = { earlierBuyerId: 'b' }
    expect(plan({ routes, state }).rounds).toEqual(['b', 'a'])
    const paused = plan({ routes, state, buyers: { b: { paused: true } } })
    expect(paused).toEqual({ rounds: ['a'], leftOut: ['b paused'] })
  })
})

describe('a buyer with several routes', () => {
  const filtered = { filters: { callerPrefixes: ['+1212'] } }
  const other = { filters: { publisherId: 'other' } }
  it.each<
    Given & { readonly name: string; readonly rounds: string[]; readonly leftOut?: string[] }
  >([
    {
      name: 'rings once in a ring group',
      routes: [
        route('a', { ringsTogether: true, ...filtered }),
        route('a', { ringsTogether: true }),
      ],
      rounds: ['a'],
    },
    {
      name: 'is tried once, where the first of its routes stands that lets the call in',
      routes: [route('a', other), route('b', { priority: 2 }), route('a', { priority: 3 })],
      rounds: ['b', 'a'],
    },
    {
      name: 'is not tried again in a later round',
      routes: [route('a', filtered), route('b', { priority: 2 }), route('a', { priority: 3 })],
      rounds: ['a', 'b'],
    },
    {
      name: 'is tried once by a caller whom it had before',
      routes: [route('b'), route('a', filtered), route('a', { priority: 2 })],
      state: { earlierBuyerId: 'a' },
      rounds: ['a', 'b'],
    },
    {
      name: 'is left out once for one reason',
      routes: [route('a', other), route('a', other), route('b')],
      rounds: ['b'],
      leftOut: ['a filtered'],
    },
    {
      name: 'is left out for every reason that there was',
      routes: [route('a', other), route('a')],
      buyers: { a: { hours: { timeZone: 'UTC', open: [] } } },
      rounds: [],
      leftOut: ['a filtered', 'a closed'],
    },
  ])('$name', ({ rounds, leftOut = [], ...given }) => {
    expect(plan(given)).toEqual({ rounds, leftOut })
  })

  it('takes one of the 20 places', () => {
    const names = Array.from({ length: 20 }, (_, index) => `b${index}`)
    const routes = [...names, ...names, 'late'].map((name) => route(name))
    const { rounds, leftOut } = plan({ routes })
    expect([new Set(rounds).size, leftOut]).toEqual([20, ['late too_far_down']])
  })
})

describe('a buyer is left out', () => {
  const full = (load: Partial<Load>) => (): Load => ({ ...NO_LOAD, ...load })
  it.each<Given & { readonly reason: string }>([
    { reason: 'unknown_buyer', routes: [route('nobody')] },
    { reason: 'paused', routes: [route('a')], buyers: { a: { paused: true } } },
    { reason: 'filtered', routes: [route('a', { filters: { publisherId: 'other' } })] },
    { reason: 'filtered', routes: [route('a', { filters: { callerPrefixes: ['+1415', '+44'] } })] },
    {
      reason: 'filtered',
      routes: [route('a', { filters: { callerPrefixes: ['+1'] } })],
      request: { callerNumber: undefined },
    },
    {
      reason: 'closed',
      routes: [route('a')],
      buyers: { a: { hours: NEW_YORK } },
      state: { now: new Date('2026-11-23T13:59:59Z') },
    },
    {
      reason: 'cap_concurrent',
      routes: [route('a')],
      buyers: { a: { caps: { ...CAPS, concurrent: 2 } } },
      state: { loadOf: full({ concurrent: 2 }) },
    },
    {
      reason: 'cap_daily',
      routes: [route('a')],
      buyers: { a: { hours: NEW_YORK, caps: { ...CAPS, daily: 5 } } },
      state: { loadOf: full({ day: '2026-11-23', daily: 5 }) },
    },
    { reason: 'endpoint_down', routes: [route('a')], request: { isReachable: () => false } },
  ])('as $reason', ({ reason, ...given }) => {
    const [first] = given.routes
    expect(plan(given)).toEqual({ rounds: [], leftOut: [`${first?.buyerId} ${reason}`] })
  })
})

describe('a buyer takes the call', () => {
  it.each<Given>([
    {
      routes: [
        route('a', { filters: { publisherId: 'acme', callerPrefixes: ['+1415', '+1212'] } }),
      ],
    },
    { routes: [route('a')], buyers: { a: { hours: NEW_YORK } } },
    {
      routes: [route('a')],
      buyers: { a: { caps: { ...CAPS, concurrent: 2, total: 9 } } },
      state: { loadOf: () => ({ ...NO_LOAD, concurrent: 1, total: 8 }) },
    },
    {
      routes: [route('a')],
      buyers: { a: { hours: NEW_YORK, caps: { ...CAPS, daily: 5 } } },
      // Yesterday's calls, in New York.
      state: { loadOf: () => ({ ...NO_LOAD, day: '2026-11-22', daily: 5 }) },
    },
  ])('that its filters, hours and caps let in', (given) => {
    expect(plan(given)).toEqual({ rounds: ['a'], leftOut: [] })
  })
})

it.each([
  // 09:00 in New York is 13:00 UTC in summer and 14:00 in winter.
  ['2026-10-30T12:59:59Z', 'closed'],
  ['2026-10-30T13:00:00Z', 'open'],
  ['2026-11-02T13:00:00Z', 'closed'],
  ['2026-11-02T14:00:00Z', 'open'],
  ['2026-11-02T22:29:59Z', 'open'],
  ['2026-11-02T22:30:00Z', 'closed'],
  ['2026-11-01T16:00:00Z', 'closed'],
])("at %s a buyer on New York's office hours is %s", (at, expected) => {
  const { rounds } = plan({
    routes: [route('a')],
    buyers: { a: { hours: NEW_YORK } },
    state: { now: new Date(at) },
  })
  expect(rounds.length === 1 ? 'open' : 'closed').toBe(expected)
})
