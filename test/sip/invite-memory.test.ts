import { expect, it } from 'vitest'
import { createInviteMemory } from '../../src/sip/invite-memory.ts'

const invite = (sipCallId: string, tag = 'a') => ({
  get: (name: string) => (name === 'Call-ID' ? sipCallId : `<sip:a@b>;tag=${tag};x=y`),
})

it('remembers a final answer for 64·T1, by Call-ID and From tag', () => {
  let nowMs = 0
  const memory = createInviteMemory(() => nowMs)
  memory.begin(invite('1'))
  expect(memory.find(invite('1'))).toEqual({ kind: 'under_way' })
  memory.end(invite('1'), 486)
  nowMs = 32_000
  expect(memory.find(invite('1'))).toEqual({ kind: 'answered', status: 486 })
  expect(memory.find(invite('1', 'b'))).toBeUndefined()
  expect(memory.find(invite('2'))).toBeUndefined()
  nowMs = 32_001
  expect(memory.find(invite('1'))).toBeUndefined()
})

it('forgets a call that was answered and is over', () => {
  const memory = createInviteMemory(() => 0)
  memory.begin(invite('1'))
  memory.end(invite('1'), undefined)
  expect(memory.find(invite('1'))).toBeUndefined()
})

it('forgets the oldest calls rather than let anybody fill the memory', () => {
  const memory = createInviteMemory(() => 0)
  for (let call = 0; call < 20_000; call++) memory.end(invite(`${call}`), 404)
  expect(memory.find(invite('0'))).toMatchObject({ status: 404 })
  for (let call = 20_000; call <= 40_000; call++) memory.end(invite(`${call}`), 404)
  expect(memory.find(invite('0'))).toBeUndefined()
})
