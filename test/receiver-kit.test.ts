import { describe, expect, it } from 'vitest'
import { receiveWebhook, rememberDeliveries, verifyWebhook } from 'bridgeback/receiver'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
/** The example of the specification. */
const headers = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': '1614265330',
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const example = { headers, body: '{"test": 2432232314}' }
const now = new Date(1_614_265_330_000)
const at = (seconds: number) => ({ now: new Date(now.getTime() + seconds * 1000) })

describe('verifyWebhook', () => {
  it("takes the specification's example (Standard Webhooks)", () => {
    const id = headers['webhook-id']
    expect(verifyWebhook([SECRET], example, { now })).toEqual({ kind: 'verified', id, sentAt: now })
  })

  const signature = headers['webhook-signature']
  it.each([
    ['a new secret beside it', [OTHER, SECRET], {}, 0, 'verified'],
    [
      'a signature of another beside it',
      [SECRET],
      { 'webhook-signature': `v1,AAAA ${signature}` },
      0,
      'verified',
    ],
    ['a list of headers', [SECRET], { 'webhook-signature': [signature] }, 0, 'verified'],
    ['an age of 300 s', [SECRET], {}, 300, 'verified'],
    ['an age of 301 s', [SECRET], {}, 301, 'too_old'],
    ['a clock 301 s behind', [SECRET], {}, -301, 'too_old'],
    ['another secret', [OTHER], {}, 0, 'wrong_signature'],
    ['no secret at all', [], {}, 0, 'wrong_signature'],
    ['another id', [SECRET], { 'webhook-id': 'x' }, 0, 'wrong_signature'],
    ['another time', [SECRET], { 'webhook-timestamp': '1614265331' }, 0, 'wrong_signature'],
    [
      'another version',
      [SECRET],
      { 'webhook-signature': signature.replace('v1', 'v2') },
      0,
      'wrong_signature',
    ],
    ['no id', [SECRET], { 'webhook-id': '' }, 0, 'no_signature'],
    ['no signature', [SECRET], { 'webhook-signature': undefined }, 0, 'no_signature'],
    ['a time that is none', [SECRET], { 'webhook-timestamp': '1e9' }, 0, 'no_signature'],
  ])('with %s', (_, secrets, changed, seconds, expected) => {
    const received = { ...example, headers: { ...headers, ...changed } }
    const verified = verifyWebhook(secrets, received, at(seconds))
    expect(verified.kind === 'refused' ? verified.reason : verified.kind).toBe(expected)
  })

  it('refuses a body that was changed by one byte', () => {
    const changed = { headers, body: example.body.replace('2', '3') }
    expect(verifyWebhook([SECRET], changed, { now })).toMatchObject({ reason: 'wrong_signature' })
  })

  it('says that a secret is none instead of refusing everything', () => {
    expect(() => verifyWebhook(['MfKQ9r8'], example)).toThrow('whsec_')
  })
})

describe('receiveWebhook', () => {
  const kit = (onDelivery: () => Promise<void> | void, secrets = [SECRET]) => ({
    secrets,
    seen: rememberDeliveries(),
    onDelivery,
    now: () => now,
  })

  it('does the work of a delivery once, however often it comes, and says that it is done', async () => {
    let done = 0
    const options = kit(async () => {
      await Promise.resolve()
      done += 1
    })
    const answers = await Promise.all([1, 2, 3].map(() => receiveWebhook(options, example)))
    answers.push(await receiveWebhook(options, example))
    expect([done, answers]).toEqual([1, answers.map(() => ({ status: 204 }))])
  })

  it('asks for another try if the work fails, and does it then', async () => {
    let tries = 0
    const options = kit(() => {
      tries += 1
      if (tries === 1) throw new Error('disk full')
    })
    const together = await Promise.all([1, 2].map(() => receiveWebhook(options, example)))
    expect(together).toEqual([{ status: 500 }, { status: 204 }])
    expect(tries).toBe(2)
  })

  it('turns away what was signed by somebody else, and does nothing', async () => {
    let done = 0
    const options = kit(() => void (done += 1), [OTHER])
    expect([await receiveWebhook(options, example), done]).toEqual([{ status: 401 }, 0])
  })
})

it('forgets the oldest deliveries first', async () => {
  const seen = rememberDeliveries(2)
  const work = () => {}
  for (const id of ['a', 'b', 'c']) await seen.once(id, work)
  expect([await seen.once('c', work), await seen.once('a', work)]).toEqual([false, true])
})
