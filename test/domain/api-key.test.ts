import { describe, expect, it } from 'vitest'
import { isRoleEnough, problemOfKeyName } from '../../src/domain/api-key.ts'

describe('isRoleEnough', () => {
  it.each([
    ['viewer', 'viewer', true],
    ['viewer', 'operator', false],
    ['viewer', 'administrator', false],
    ['operator', 'viewer', true],
    ['operator', 'operator', true],
    ['operator', 'administrator', false],
    ['administrator', 'viewer', true],
    ['administrator', 'operator', true],
    ['administrator', 'administrator', true],
  ] as const)('lets %s do what takes %s: %s', (has, needed, expected) => {
    expect(isRoleEnough(has, needed)).toBe(expected)
  })
})

describe('problemOfKeyName', () => {
  it.each(['a', 'Ines Müller', 'ci-deploy_2', 'ops@example.com', 'x'.repeat(64)])(
    'takes %j',
    (name) => {
      expect(problemOfKeyName(name)).toBeUndefined()
    },
  )

  it.each(['', ' a', 'a ', 'a\nb', 'a\u202eb', '<b>', '-a', 'x'.repeat(65)])(
    'refuses %j',
    (name) => {
      expect(problemOfKeyName(name)).toMatch(/^must be up to 64/)
    },
  )

  it.each(['environment', 'cli', 'CLI'])('keeps %j for the record', (name) => {
    expect(problemOfKeyName(name)).toBe('is taken by the service itself')
  })
})
