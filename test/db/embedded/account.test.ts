import { describe, expect, it } from 'vitest'
import { mayEnter } from '../../../src/db/embedded/account.ts'

describe('mayEnter', () => {
  const account = { uid: 26, gid: 27 }
  const open = { uid: 0, gid: 0, mode: 0o755 }

  it.each([
    ['enters folders that are open to others', [open, { uid: 0, gid: 0, mode: 0o711 }], true],
    ['is kept out by one closed folder among open ones', [open, { ...open, mode: 0o750 }], false],
    ['enters its own folder', [{ uid: 26, gid: 0, mode: 0o700 }], true],
    ['is kept out as owner, whatever others may', [{ uid: 26, gid: 27, mode: 0o077 }], false],
    ['enters as a member of the group', [{ uid: 0, gid: 27, mode: 0o710 }], true],
    ['is kept out as a member, whatever others may', [{ uid: 0, gid: 27, mode: 0o701 }], false],
  ])('an account %s', (_, folders, expected) => {
    expect(mayEnter(account, folders)).toBe(expected)
  })
})
