import { expect, it } from 'vitest'
import type { Buyer, Route } from '../../src/domain/campaign.ts'
import { prepareRoutes } from '../../src/domain/prepared-routes.ts'
import { aBuyer } from '../support/flow.ts'

const route = (buyerId: string, priority: number): Route => ({
  buyerId,
  priority,
  weight: 1,
  ringsTogether: false,
  filters: {},
})
const ROUTES = [route('a', 2), route('b', 1), route('nobody', 1), route('c', 2)]
const hoursIn = (timeZone: string) => ({ hours: { timeZone, open: [] } })

function finder(buyers: Readonly<Record<string, Partial<Buyer>>>) {
  return (buyerId: string) => buyers[buyerId] && aBuyer({ buyerId, ...buyers[buyerId] })
}

it('sorts routes by priority, keeps their order inside one, and names time zones once', () => {
  const find = finder({ a: hoursIn('Asia/Tokyo'), b: {}, c: hoursIn('Asia/Tokyo') })
  const { groups, timeZones, unknownBuyerIds } = prepareRoutes(ROUTES, find)
  expect(
    groups.map(({ priority, routes }) => [
      priority,
      ...routes.map(({ buyer, zone }) => `${buyer.buyerId} ${timeZones[zone]}`),
    ]),
  ).toEqual([
    [1, 'b UTC'],
    [2, 'a Asia/Tokyo', 'c Asia/Tokyo'],
  ])
  expect(timeZones).toHaveLength(2)
  expect(unknownBuyerIds).toEqual(['nobody'])
})

it('prepares once for each configuration', () => {
  const routes = [...ROUTES]
  const [before, after] = [finder({ a: {} }), finder({ a: {}, b: {} })]
  const first = prepareRoutes(routes, before)
  expect(prepareRoutes(routes, before)).toBe(first)
  expect(prepareRoutes(routes, after).groups).toHaveLength(2)
  expect(prepareRoutes([...routes], after)).not.toBe(prepareRoutes(routes, after))
})
