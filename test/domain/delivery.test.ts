import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { deliveryId, parseDeliveryId } from '../../src/domain/delivery.ts'

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

it.each(['', 'x', `${'0'.repeat(31)}_a_0`, `${'0'.repeat(32)}_a_`, `${'0'.repeat(32)}_A_0`])(
  'reads nothing from %j',
  (text) => {
    expect(parseDeliveryId(text)).toBeUndefined()
  },
)
