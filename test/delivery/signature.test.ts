import { expect, it } from 'vitest'
import { signWebhook } from '../../src/delivery/signature.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const message = {
  deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: '{"test": 2432232314}',
}
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

it("makes the signature of the specification's example (Standard Webhooks)", () => {
  expect(signWebhook([SECRET], message)).toBe(SIGNATURE)
})

it('signs with every secret, in their order, so that they can be rotated', () => {
  const [first, second, ...more] = signWebhook([OTHER, SECRET], message)?.split(' ') ?? []
  expect(first).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/)
  expect(second).toBe(SIGNATURE)
  expect(more).toEqual([])
})

it.each([[[]], [['not a secret']]])('signs nothing with %j', (secrets) => {
  expect(signWebhook(secrets, message)).toBeUndefined()
})
