import { describe, expect, it } from 'vitest'
import { createMailbox } from '../../../src/cli/demo/mailbox.ts'

describe('createMailbox', () => {
  it('keeps what arrives before anybody waits', async () => {
    const mailbox = createMailbox<number>()
    mailbox.put(1)
    mailbox.put(2)
    expect(await mailbox.take((item) => item > 1)).toBe(2)
    expect(mailbox.left()).toEqual([1])
  })

  it('gives what arrives later to the first who waits for it', async () => {
    const mailbox = createMailbox<number>()
    const even = mailbox.take((item) => item % 2 === 0)
    const any = mailbox.take(() => true)
    mailbox.put(3)
    mailbox.put(4)
    expect(await Promise.all([even, any])).toEqual([4, 3])
    expect(mailbox.left()).toEqual([])
  })

  it('gives each item once', async () => {
    const mailbox = createMailbox<number>()
    mailbox.put(1)
    expect(await mailbox.take(() => true)).toBe(1)
    expect(mailbox.left()).toEqual([])
  })
})
