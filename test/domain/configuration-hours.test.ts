import { describe, expect, it } from 'vitest'
import { isTimeZone, parseOpeningHours } from '../../src/domain/configuration-hours.ts'

describe('parseOpeningHours', () => {
  it.each([
    ['mon-fri 09:00-17:30', [1, 2, 3, 4, 5], 540, 1050],
    ['sun 00:00-24:00', [7], 0, 1440],
    ['sat,mon 10:00-10:01', [1, 6], 600, 601],
    ['fri-mon 08:00-09:00', [1, 5, 6, 7], 480, 540],
    ['mon-tue,tue-wed 08:00-09:00', [1, 2, 3], 480, 540],
  ])('reads %j', (text, weekdays, fromMinute, untilMinute) => {
    expect(parseOpeningHours(text)).toEqual({ weekdays, fromMinute, untilMinute })
  })

  it.each([
    '',
    'mon',
    'mon 9-5',
    'mon 9:00-17:00',
    'Mon 09:00-17:00',
    'monday 09:00-17:00',
    'mon- 09:00-17:00',
    'mon-tue-wed 09:00-17:00',
    'mon, 09:00-17:00',
    'mon 17:00-09:00',
    'mon 09:00-09:00',
    'mon 09:00-24:01',
    'mon 09:60-17:00',
    'mon  09:00-17:00',
    'mon 09:00-17:00 ',
  ])('refuses %j', (text) => {
    expect(parseOpeningHours(text)).toBeUndefined()
  })
})

describe('isTimeZone', () => {
  it.each([
    ['America/New_York', true],
    ['UTC', true],
    ['Mars/Olympus', false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(isTimeZone(text)).toBe(expected)
  })
})
