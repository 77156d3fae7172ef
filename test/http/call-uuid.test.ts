import { describe, expect, it } from 'vitest'
import { lowestUuidAt, parseCallUuid } from '../../src/http/call-uuid.ts'

const UUID = '01890a5d-ac96-774b-bcce-b302099a8057'

describe('parseCallUuid', () => {
  it.each([
    ['standard', UUID],
    ['standard, upper case', UUID.toUpperCase()],
    ['compact', UUID.replaceAll('-', '')],
    ['compact, mixed case', '01890A5DAC96774bbcceB302099A8057'],
  ])('reads the %s form (B1)', (_name, text) => {
    expect(parseCallUuid(text)).toBe(UUID)
  })

  it.each([
    '',
    '1',
    `${UUID}0`,
    ` ${UUID}`,
    `${UUID}\n`,
    `{${UUID}}`,
    UUID.replace('a', 'g'),
    UUID.replace('-', ''),
    '01890a5dac96-774b-bcce-b302099a8057',
    '01890a5d-ac96774b-bcce-b302099a8057',
    '０1890a5d-ac96-774b-bcce-b302099a8057',
  ])('refuses %o', (text) => {
    expect(parseCallUuid(text)).toBeUndefined()
  })
})

describe('lowestUuidAt', () => {
  it.each([
    ['2023-06-30T00:00:00.000Z', '01890999-7800-0000-0000-000000000000'],
    ['1970-01-01T00:00:00.001Z', '00000000-0001-0000-0000-000000000000'],
    ['1969-01-01T00:00:00.000Z', '00000000-0000-0000-0000-000000000000'],
  ])('begins the range of %s', (instant, uuid) => {
    expect(lowestUuidAt(new Date(instant))).toBe(uuid)
  })

  it('stands before every UUID of its millisecond and after those of the one before', () => {
    const at = Number.parseInt('01890a5dac96', 16)
    expect(lowestUuidAt(new Date(at)) < UUID).toBe(true)
    expect(lowestUuidAt(new Date(at + 1)) > UUID).toBe(true)
  })
})
