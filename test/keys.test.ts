import { describe, expect, it } from 'vitest'
import { createCallKeys } from '../src/keys.ts'

const CALL = '019f2d6e-0000-7000-8000-000000000001'
const OTHER = '019f2d6e-0000-7000-8000-000000000002'
const keys = createCallKeys([{ version: 1, secret: 'first secret' }])

describe('call keys (B7)', () => {
  it('open the leg they were derived for', () => {
    expect(keys.check(CALL, keys.derive(CALL, 3))).toBe(3)
  })

  it('are letters and digits only, and carry at least 128 bits', () => {
    expect(keys.derive(CALL, 1)).toMatch(/^[0-9a-z]{44}$/)
  })

  it.each([
    ['another call', OTHER, keys.derive(CALL, 1)],
    ['another leg', CALL, keys.derive(CALL, 1).replace(/^0101/, '0102')],
    ['another version', CALL, keys.derive(CALL, 1).replace(/^01/, '02')],
    [
      'a changed digit',
      CALL,
      keys.derive(CALL, 1).replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ],
    ['upper case', CALL, keys.derive(CALL, 1).toUpperCase()],
    ['nothing', CALL, ''],
    ['something long', CALL, 'x'.repeat(5_000)],
  ])('do not open %s', (_, callUuid, key) => {
    expect(keys.check(callUuid, key)).toBeUndefined()
  })

  it('of an older secret stay valid until it is retired', () => {
    const rotated = createCallKeys([
      { version: 2, secret: 'second secret' },
      { version: 1, secret: 'first secret' },
    ])
    expect(rotated.check(CALL, keys.derive(CALL, 1))).toBe(1)
    expect(rotated.derive(CALL, 1)).toMatch(/^02/)
    const retired = createCallKeys([{ version: 2, secret: 'second secret' }])
    expect(retired.check(CALL, keys.derive(CALL, 1))).toBeUndefined()
  })
})
