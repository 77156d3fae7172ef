import { describe, expect, it } from 'vitest'
import { parseDigests } from '../../src/sip/digest.ts'
import { freeUdpPort } from '../support/free-port.ts'
import { waitFor } from '../support/wait.ts'
import { type Message, type Phone, SDP } from './engine/support/phone.ts'
import { header, newInvite, type ServiceUnderTest, startService } from './support/service.ts'

/** Calls, and has the buyer answer every INVITE so; the caller hears the final response. */
async function hear(service: ServiceUnderTest, status: number, headers: readonly string[] = []) {
  const [buyer] = service.buyers
  if (!buyer) throw new Error('no buyer')
  service.dial()
  const invite = await buyer.expect('INVITE')
  buyer.answer(invite, status, { headers })
  return { buyer, invite }
}

const lastEnd = (service: ServiceUnderTest, count = 1) =>
  waitFor(() => service.recorded.ended[count - 1], { what: `the end of call ${count}` })

const openingOf = (service: ServiceUnderTest) =>
  service.recorded.begun.map(({ routing }) =>
    routing.routes.map(({ buyerId }) => {
      const buyer = routing.findBuyer(buyerId)
      return buyer && routing.isReachable(buyer)
    }),
  )

describe('what the caller hears when the only buyer answers', () => {
  it.each([
    [302, 480, 'redirected_302'],
    [400, 480, 'rejected_400'],
    [403, 500, 'forbidden'],
    [404, 404, 'no_such_target'],
    [410, 404, 'no_such_target'],
    [415, 488, 'no_common_codec'],
    [480, 480, 'unavailable'],
    [482, 482, 'loop'],
    [483, 483, 'too_many_hops'],
    [484, 404, 'no_such_target'],
    [486, 486, 'busy'],
    [487, 480, 'terminated'],
    [488, 488, 'no_common_codec'],
    [500, 500, 'server_error_500'],
    [503, 480, 'overloaded'],
    [600, 486, 'busy'],
    [603, 480, 'declined'],
    [604, 404, 'no_such_target'],
    [606, 488, 'no_common_codec'],
    [608, 480, 'declined'],
  ])('%i is %i', async (status, heard, reason) => {
    const service = await startService()
    await hear(service, status)
    await service.callerPhone.expect(`${heard} INVITE`)
    expect(await service.ending()).toMatchObject({
      sipStatus: heard,
      endReason: reason,
      legs: [{ leg: 1, sipStatus: status, reason }],
    })
  })
})

describe('a failure that no other buyer could mend', () => {
  it.each([482, 483])('ends the call: %i', async (status) => {
    const service = await startService({ buyers: 2 })
    await hear(service, status)
    await service.callerPhone.expect(`${status} INVITE`)
    await service.ending()
    expect(service.buyers[1]?.inbox).toEqual([])
  })
})

describe('a redirect', () => {
  it('is not followed, and its target never told to the caller (F48)', async () => {
    const service = await startService({ buyers: 2 })
    const elsewhere = await service.world.phone()
    const contact = `<sip:+19005550100@127.0.0.1:${elsewhere.port}>`
    const [first, second] = service.buyers
    service.dial()
    first?.answer(await first.expect('INVITE'), 302, { contact })
    second?.answer(await second.expect('INVITE'), 486)
    const final = await service.callerPhone.expect('486 INVITE')
    expect(JSON.stringify(final.headers)).not.toContain('900555')
    await service.ending()
    expect(elsewhere.inbox).toEqual([])
  })
})

describe('an endpoint', () => {
  it('that answers 503 with Retry-After is left alone for as long', async () => {
    const service = await startService()
    await hear(service, 503, ['Retry-After: 120 (busy)'])
    await lastEnd(service)
    service.dial()
    await lastEnd(service, 2)
    expect(openingOf(service)).toEqual([[false], [false]])
    expect(service.recorded.ended[1]).toMatchObject({ endReason: 'no_buyer', sipStatus: 480 })
  })

  it('that answers 503 without it is tried again', async () => {
    const service = await startService()
    await hear(service, 503)
    await lastEnd(service)
    expect(openingOf(service)).toEqual([[true]])
  })

  it('that never answers is spared, and the next buyer has the call', async () => {
    const service = await startService({ buyers: 2 })
    const [first, second] = service.buyers
    service.dial()
    await first?.expect('INVITE')
    second?.answer(await second.expect('INVITE'), 486)
    await service.callerPhone.expect('486 INVITE')
    expect(service.recorded.nextRounds).toMatchObject([
      { failed: [{ sipStatus: 408, fault: 'unknown', reason: 'no_response' }] },
    ])
    expect(openingOf(service)).toEqual([[false, true]])
  })

  it('whose port is closed is spared at once, and the next buyer has the call', async () => {
    const service = await startService({ buyers: 2 })
    const [first, second] = service.buyers
    await first?.close()
    service.dial()
    second?.answer(await second.expect('INVITE'), 486)
    await service.callerPhone.expect('486 INVITE')
    expect(service.recorded.nextRounds).toMatchObject([
      { failed: [{ sipStatus: 503, reason: 'unreachable' }] },
    ])
    expect(openingOf(service)).toEqual([[false, true]])
  })

  it('that has just been found dead is not tried for the other buyers on it', async () => {
    const requestUri = `sip:sales@127.0.0.1:${await freeUdpPort()}`
    const service = await startService({ buyers: 3, buyer: { requestUri } })
    service.dial()
    await service.callerPhone.expect('480 INVITE')
    expect((await service.ending()).legs).toEqual([])
    expect(service.recorded.nextRounds).toMatchObject([
      { failed: [{ leg: 1, sipStatus: 503, reason: 'unreachable' }] },
    ])
  })

  it('that shows no sign of life is passed over after the set-up timeout', async () => {
    const service = await startService({ buyers: 2, buyer: { setupTimeoutMs: 60 } })
    const [first, second] = service.buyers
    service.dial()
    await first?.expect('INVITE')
    const invite = await second?.expect('INVITE')
    expect(service.recorded.nextRounds).toMatchObject([
      { failed: [{ leg: 1, fault: 'unknown', reason: 'no_sign_of_life' }] },
    ])
    if (invite) second?.answer(invite, 486)
    await service.ending()
  })

  it('that rings is given its whole ring time', async () => {
    const service = await startService({
      buyers: 2,
      buyer: { setupTimeoutMs: 60, ringTimeoutMs: 300 },
    })
    const [first, second] = service.buyers
    service.dial()
    first?.answer(await first.expect('INVITE'), 180)
    second?.answer(await second.expect('INVITE'), 486)
    await service.ending()
    expect(service.recorded.nextRounds).toMatchObject([{ failed: [{ reason: 'no_answer' }] }])
  })
})

describe('491', () => {
  it('is tried once more', async () => {
    const service = await startService()
    const { buyer, invite } = await hear(service, 491)
    buyer.answer(await newInvite(buyer, invite), 200, { body: SDP })
    await service.callerPhone.expect('200 INVITE')
    expect(service.recorded.nextRounds).toEqual([])
  })

  it('twice is a failure', async () => {
    const service = await startService()
    const { buyer, invite } = await hear(service, 491)
    buyer.answer(await newInvite(buyer, invite), 491)
    await service.callerPhone.expect('480 INVITE')
    expect(await service.ending()).toMatchObject({ endReason: 'request_pending' })
  })
})

describe('a buyer that asks for credentials', () => {
  const auth = { username: 'bridge', password: 'secret' }
  const CHALLENGES = {
    401: [
      'WWW-Authenticate: Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"',
      'WWW-Authenticate: Digest realm="pbx", nonce="n1", algorithm=SHA-256, qop="auth"',
    ],
    407: ['Proxy-Authenticate: Digest realm="pbx", nonce="n1"'],
  } as const
  const NAMES = { 401: 'Authorization', 407: 'Proxy-Authorization' } as const

  /** Challenges the next INVITE that is no copy of `before`. */
  async function challenge(buyer: Phone, status: 401 | 407, before?: Message) {
    const invite = before ? await newInvite(buyer, before) : await buyer.expect('INVITE')
    const headers = CHALLENGES[status].map((line) =>
      before ? `${line.replace('n1', 'n2')}, stale=true` : line,
    )
    buyer.answer(invite, status, { headers })
    return invite
  }

  it.each([
    [401, 'SHA-256'],
    [407, 'MD5'],
  ] as const)('with %i gets them once, in the same call, by %s', async (status, algorithm) => {
    const service = await startService({ buyer: { auth } })
    const [buyer] = service.buyers as readonly [Phone]
    service.dial()
    const first = await challenge(buyer, status)
    const second = await newInvite(buyer, first)
    const [given] = parseDigests(header(second, NAMES[status]) ?? '')
    expect(given?.get('algorithm')).toBe(algorithm)
    expect(header(second, 'Call-ID')).toBe(header(first, 'Call-ID'))
    expect(header(second, 'From')).toBe(header(first, 'From'))
    expect(second.cseq).toBe(first.cseq + 1)
    buyer.answer(second, 200, { body: SDP })
    await service.callerPhone.expect('200 INVITE')
  })

  it('answers a stale nonce once more, then gives up', async () => {
    const service = await startService({ buyer: { auth } })
    const [buyer] = service.buyers as readonly [Phone]
    service.dial()
    const first = await challenge(buyer, 401)
    const second = await challenge(buyer, 401, first)
    await challenge(buyer, 401, second)
    await service.callerPhone.expect('500 INVITE')
    expect(await service.ending()).toMatchObject({ endReason: 'credentials_refused' })
  })

  it('gets them for the BYE too', async () => {
    const service = await startService({ buyer: { auth, callMsMax: 80 } })
    const [buyer] = service.buyers as readonly [Phone]
    const caller = service.dial()
    buyer.answer(await buyer.expect('INVITE'), 200, { body: SDP })
    const answer = await service.callerPhone.expect('200 INVITE')
    service.callerPhone.sendRaw(caller.ack(answer))
    const bye = await buyer.expect('BYE')
    buyer.answer(bye, 401, { headers: CHALLENGES[401] })
    const again = await waitFor(
      () => buyer.inbox.find((each) => each.text.startsWith('BYE') && each.cseq > bye.cseq),
      { what: 'the BYE with credentials' },
    )
    const [given] = parseDigests(header(again, 'Authorization') ?? '')
    expect(given?.get('algorithm')).toBe('SHA-256')
    expect(`BYE ${given?.get('uri')} SIP/2.0`).toBe(again.text.split('\r\n')[0])
  })

  it('and refuses them is not asked again, nor its challenge shown to the caller', async () => {
    const service = await startService({ buyer: { auth } })
    const [buyer] = service.buyers as readonly [Phone]
    service.dial()
    const first = await challenge(buyer, 401)
    buyer.answer(await newInvite(buyer, first), 401, { headers: CHALLENGES[401] })
    const final = await service.callerPhone.expect('500 INVITE')
    expect(header(final, 'WWW-Authenticate')).toBeUndefined()
    expect(await service.ending()).toMatchObject({ endReason: 'credentials_refused' })
  })

  it('is cancelled all the same when the caller gives up meanwhile', async () => {
    const service = await startService({ buyer: { auth } })
    const [buyer] = service.buyers as readonly [Phone]
    const caller = service.dial()
    const invite = await newInvite(buyer, await challenge(buyer, 401))
    buyer.answer(invite, 180)
    await service.callerPhone.expect('180 INVITE')
    service.callerPhone.sendRaw(caller.cancel())
    await buyer.expect('CANCEL')
    expect(await service.ending()).toMatchObject({ endReason: 'caller_cancelled' })
  })
})

describe('a call', () => {
  it.each([
    ['buyer', { buyer: { callMsMax: 80 } }],
    ['campaign', { campaign: { callMsMax: 80 } }],
  ])('is hung up on both sides at the limit of its %s', async (_, limits) => {
    const service = await startService(limits)
    const [buyer] = service.buyers
    const caller = service.dial()
    buyer?.answer(await buyer.expect('INVITE'), 200, { body: SDP })
    const answer = await service.callerPhone.expect('200 INVITE')
    service.callerPhone.sendRaw(caller.ack(answer))
    const bye = (await buyer?.expect('BYE')) as Message
    expect(header(bye, 'Reason')).toBe('SIP;cause=200;text="max_duration"')
    await service.callerPhone.expect('BYE')
    expect(await service.ending()).toMatchObject({ hungUpBy: 'bridge', endReason: 'max_duration' })
  })
})
