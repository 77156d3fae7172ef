import { expect, it } from 'vitest'
import { isDearNumber } from '../../src/domain/toll.ts'

it.each([
  ['+19005551234', 'premium in North America'],
  ['+449098790000', 'premium in the United Kingdom'],
  ['+499001234567', 'premium in Germany'],
  ['+33892123456', 'premium in France'],
  ['+870776123456', 'a satellite'],
  ['+881612345678', 'a satellite'],
  ['+883510012345678', 'an international network'],
  ['+979123456789', 'international premium'],
])('%s is dear: %s', (number) => {
  expect(isDearNumber(number)).toBe(true)
})

it.each(['+12125550100', '+18005550100', '+442071838750', '+4930123456', '+37254123456'])(
  '%s is not dear',
  (number) => {
    expect(isDearNumber(number)).toBe(false)
  },
)
