import * as fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { expect, it } from 'vitest'
import { buildDeliveries, deliveryId, parseDeliveryId } from '../../src/domain/delivery.ts'
import { parseUrlTemplate, type TrackingUrl } from '../../src/domain/tracking-url.ts'

it('reads every name of a delivery back (B14)', () => {
  const names = fc.record({
    callUuid: fc.uuid(),
    trackingUrlId: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/),
    occurrence: fc.nat(999_999_999),
  })
  fc.assert(
    fc.property(names, (name) => {
      expect(parseDeliveryId(deliveryId(name))).toEqual({ ...name })
    }),
  )
})

it('warns of a key that is asked for where no buyer has been rung (B3)', () => {
  const parsed = parseUrlTemplate('https://h/?k=[call_key]&d=[call_key]{none}')
  if (parsed.kind !== 'url') throw new Error(parsed.problem)
  const url: TrackingUrl = {
    trackingUrlId: 'begun',
    trigger: 'start',
    method: 'GET',
    template: parsed.template,
    filters: {},
    fireOrder: 0,
    getAfterHeadRefused: false,
  }
  const firing = {
    callUuid: uuidv7(),
    publisherId: 'acme',
    buyerId: undefined,
    occurrence: 0,
    tags: {},
  }
  const urlOf = (leg: number | undefined) =>
    buildDeliveries([url], { ...firing, trigger: 'start', leg, values: {} })
  expect(urlOf(undefined)).toMatchObject([
    { url: 'https://h/?k=&d=none', missingTokens: ['call_key'] },
  ])
  expect(urlOf(1)).toMatchObject([
    { url: 'https://h/?k=[call_key]&d=[call_key]', missingTokens: [] },
  ])
})

it.each(['', 'x', `${'0'.repeat(31)}_a_0`, `${'0'.repeat(32)}_a_`, `${'0'.repeat(32)}_A_0`])(
  'reads nothing from %j',
  (text) => {
    expect(parseDeliveryId(text)).toBeUndefined()
  },
)
