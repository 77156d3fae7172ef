import { describe, expect, it } from 'vitest'
import { type Message, type Phone, SDP } from './engine/support/phone.ts'
import { fromBuyer, header, newInvite, startService } from './support/service.ts'

const BUYER_SDP = SDP.replace('6000', '7000')
const HOLD = SDP.replace('t=0 0', 'a=sendonly').replace('1 1 IN', '1 2 IN')
const ALLOW_UPDATE = 'Allow: INVITE, ACK, BYE, UPDATE'

interface Talk {
  readonly callerHeaders?: readonly string[]
  readonly buyerHeaders?: readonly string[]
}

/** A call that is up, and ways to send requests from either side. */
async function talking({ callerHeaders = [], buyerHeaders = [] }: Talk = {}) {
  const service = await startService()
  const { callerPhone, buyers, dial } = service
  const [buyer] = buyers as readonly [Phone]
  const caller = dial({ headers: callerHeaders })
  const invite = await buyer.expect('INVITE')
  buyer.answer(invite, 200, { body: BUYER_SDP, headers: buyerHeaders })
  const answer = await callerPhone.expect('200 INVITE')
  callerPhone.sendRaw(caller.ack(answer))
  await buyer.expect('ACK')
  let cseq = 1
  const fromCaller = (method: string, parts: Parameters<typeof caller.inDialog>[3] = {}) => {
    cseq++
    callerPhone.sendRaw(caller.inDialog(answer, method, cseq, parts))
  }
  /** Cancels the caller's latest INVITE. */
  const cancelByCaller = () => {
    const cancel = caller.inDialog(answer, 'CANCEL', cseq)
    callerPhone.sendRaw(cancel.replace('-CANCEL-', '-INVITE-'))
  }
  const ackByCaller = (body = '') => {
    const text = caller.ack(answer, cseq)
    const type = `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    callerPhone.sendRaw(body === '' ? text : text.replace(/Content-Length: 0\r\n\r\n$/, type))
  }
  /** What the caller hears to its latest request; copies of older answers are passed over. */
  const heard = async (what: string) => {
    for (;;) {
      const response = await callerPhone.expect(what)
      if (response.cseq === cseq) return response
    }
  }
  let latest = invite
  /** The next INVITE that reaches the buyer; copies of older ones are passed over. */
  const relayedInvite = async () => (latest = await newInvite(buyer, latest))
  return {
    service,
    callerPhone,
    buyer,
    invite,
    fromCaller,
    cancelByCaller,
    ackByCaller,
    heard,
    relayedInvite,
  }
}

/** The caller of these tests calls every body SDP: what it sends is renamed on its way. */
async function sendKey(type: string, body: string) {
  const talk = await talking()
  const { sendRaw } = talk.callerPhone
  Object.assign(talk.callerPhone, {
    sendRaw: (text: string) => sendRaw(text.replace('application/sdp', type)),
  })
  talk.fromCaller('INFO', { body })
  return talk
}

describe('hold and resume', () => {
  it('pass through, and their answers back', async () => {
    const { buyer, fromCaller, ackByCaller, heard, relayedInvite } = await talking()
    for (const offer of [HOLD, SDP.replace('1 1 IN', '1 3 IN')]) {
      fromCaller('INVITE', { body: offer })
      const relayed = await relayedInvite()
      expect(relayed.body).toBe(offer)
      buyer.answer(relayed, 200, { body: BUYER_SDP })
      expect((await heard('200 INVITE')).body).toBe(BUYER_SDP)
      ackByCaller()
      await buyer.expect('ACK')
    }
  })

  it('by the buyer reach the caller', async () => {
    const { callerPhone, buyer, invite } = await talking()
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'INVITE', cseq: 5, body: HOLD }))
    const relayed = await callerPhone.expect('INVITE')
    expect(relayed.body).toBe(HOLD)
    callerPhone.answer(relayed, 200, { body: SDP })
    expect((await buyer.expect('200 INVITE')).body).toBe(SDP)
  })

  it('that the other side refuses leave the call as it is', async () => {
    const { buyer, fromCaller, service, heard, relayedInvite } = await talking()
    fromCaller('INVITE', { body: HOLD })
    buyer.answer(await relayedInvite(), 488)
    await heard('488 INVITE')
    expect(service.recorded.ended).toEqual([])
  })

  it('that the other side wants credentials for, which we have not, fail without a challenge', async () => {
    const { buyer, fromCaller, heard, relayedInvite } = await talking()
    fromCaller('INVITE', { body: HOLD })
    buyer.answer(await relayedInvite(), 407, {
      headers: ['Proxy-Authenticate: Digest realm="pbx", nonce="n1"'],
    })
    expect(header(await heard('500 INVITE'), 'Proxy-Authenticate')).toBeUndefined()
  })
})

describe('an offer', () => {
  it('that is the same once more is answered here with what was answered before', async () => {
    const { buyer, fromCaller, heard } = await talking()
    fromCaller('INVITE', { body: SDP })
    expect((await heard('200 INVITE')).body).toBe(BUYER_SDP)
    expect(buyer.inbox).toEqual([])
  })

  it('that is the same as one that was refused is passed on again', async () => {
    const { buyer, fromCaller, ackByCaller, heard, relayedInvite } = await talking()
    fromCaller('INVITE', { body: HOLD })
    buyer.answer(await relayedInvite(), 488)
    await heard('488 INVITE')
    ackByCaller()
    await buyer.expect('ACK')
    fromCaller('INVITE', { body: HOLD })
    expect((await relayedInvite()).body).toBe(HOLD)
  })

  it('that crosses one of the other side hears 491 (RFC 3261 §14.2)', async () => {
    const { buyer, invite, fromCaller, heard, relayedInvite } = await talking()
    fromCaller('INVITE', { body: HOLD })
    const relayed = await relayedInvite()
    const other = BUYER_SDP.replace('1 1 IN', '1 2 IN')
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'INVITE', cseq: 5, body: other }))
    await buyer.expect('491 INVITE')
    buyer.answer(relayed, 200, { body: BUYER_SDP })
    await heard('200 INVITE')
  })

  it.each([
    ['its answer from the ACK', HOLD],
    ['also an answer that is none', 'hello'],
  ])('left to the other side comes from there, and %s', async (_, given) => {
    const { buyer, fromCaller, ackByCaller, heard, relayedInvite } = await talking()
    fromCaller('INVITE')
    const relayed = await relayedInvite()
    expect(relayed.body).toBe('')
    const offer = BUYER_SDP.replace('1 1 IN', '1 2 IN')
    buyer.answer(relayed, 200, { body: offer })
    expect((await heard('200 INVITE')).body).toBe(offer)
    ackByCaller(given)
    expect((await buyer.expect('ACK')).body).toBe(given)
  })

  it('that was asked for and is not wanted any more leaves the call as it was (RFC 3261 §14.1)', async () => {
    const talk = await talking()
    const { buyer, fromCaller, cancelByCaller, ackByCaller, heard, relayedInvite } = talk
    fromCaller('INVITE')
    const asked = await relayedInvite()
    cancelByCaller()
    await heard('487 INVITE')
    ackByCaller()
    buyer.answer(asked, 200, { body: BUYER_SDP })
    expect((await buyer.expect('ACK')).body).toBe(SDP)
    fromCaller('INVITE', { body: HOLD })
    const relayed = await relayedInvite()
    expect(relayed.body).toBe(HOLD)
    buyer.answer(relayed, 200, { body: BUYER_SDP })
    await heard('200 INVITE')
    expect(talk.service.recorded.ended).toEqual([])
  })
})

describe('UPDATE', () => {
  it('without offer is answered here', async () => {
    const { buyer, fromCaller, heard } = await talking()
    fromCaller('UPDATE')
    await heard('200 UPDATE')
    expect(buyer.inbox).toEqual([])
  })

  it('with an offer is passed on to a side that takes UPDATE', async () => {
    const { buyer, fromCaller, heard } = await talking({ buyerHeaders: [ALLOW_UPDATE] })
    fromCaller('UPDATE', { body: HOLD })
    const relayed = await buyer.expect('UPDATE')
    expect(relayed.body).toBe(HOLD)
    buyer.answer(relayed, 200, { body: BUYER_SDP })
    expect((await heard('200 UPDATE')).body).toBe(BUYER_SDP)
  })

  it('with an offer becomes a re-INVITE for a side that does not', async () => {
    const { buyer, fromCaller, heard, relayedInvite } = await talking()
    fromCaller('UPDATE', { body: HOLD })
    const relayed = await relayedInvite()
    expect(relayed.body).toBe(HOLD)
    buyer.answer(relayed, 200, { body: BUYER_SDP })
    expect((await heard('200 UPDATE')).body).toBe(BUYER_SDP)
  })
})

describe('UPDATE of a side that has our re-INVITE before it', () => {
  it.each([
    ['with an offer hears 491 (RFC 3311 §5.2)', HOLD, '491 UPDATE'],
    ['without offer is answered here', '', '200 UPDATE'],
  ])('%s', async (_, body, expected) => {
    const { buyer, invite, fromCaller, heard, relayedInvite } = await talking()
    fromCaller('INVITE', { body: HOLD })
    const relayed = await relayedInvite()
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'UPDATE', cseq: 5, body }))
    await buyer.expect(expected)
    buyer.answer(relayed, 200, { body: BUYER_SDP })
    expect((await heard('200 INVITE')).body).toBe(BUYER_SDP)
  })

  it('is answered also before the call is answered', async () => {
    const service = await startService()
    const [buyer] = service.buyers as readonly [Phone]
    service.dial()
    const invite = await buyer.expect('INVITE')
    buyer.answer(invite, 180, { headers: ['Require: 100rel', 'RSeq: 1'] })
    buyer.answer(await buyer.expect('PRACK'), 200)
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'UPDATE', cseq: 5 }))
    await buyer.expect('200 UPDATE')
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'UPDATE', cseq: 6, body: HOLD }))
    await buyer.expect('491 UPDATE')
  })
})

describe('INFO', () => {
  const dtmf = 'Signal=5\r\nDuration=160\r\n'
  it('with a pressed key is passed on as it is', async () => {
    const { buyer, heard } = await sendKey('application/dtmf-relay', dtmf)
    const relayed = await buyer.expect('INFO')
    expect([relayed.body, header(relayed, 'Content-Type')]).toEqual([
      dtmf,
      'application/dtmf-relay',
    ])
    buyer.answer(relayed, 200)
    await heard('200 INFO')
  })

  it('that is empty is answered here', async () => {
    const { buyer, heard } = await sendKey('', '')
    await heard('200 INFO')
    expect(buyer.inbox).toEqual([])
  })

  it('with anything else is refused', async () => {
    const { buyer, heard } = await sendKey('text/html', '<script>')
    expect(header(await heard('415 INFO'), 'Accept')).toContain('application/dtmf')
    expect(buyer.inbox).toEqual([])
  })
})

describe('a status that nobody has defined', () => {
  // 477 is what a proxy says whose other side is gone.
  it.each([
    [477, 400],
    [599, 500],
    [607, 600],
  ])('comes back as the general one of its class: %i as %i (RFC 3261 §8.1.3.2)', async (...row) => {
    const [told, heard] = row
    const key = await sendKey('application/dtmf-relay', 'Signal=5\r\n')
    key.buyer.answer(await key.buyer.expect('INFO'), told)
    await key.heard(`${heard} INFO`)
    const hold = await talking({ buyerHeaders: [ALLOW_UPDATE] })
    hold.fromCaller('INVITE', { body: HOLD })
    hold.buyer.answer(await hold.relayedInvite(), told)
    await hold.heard(`${heard} INVITE`)
    hold.ackByCaller()
    hold.fromCaller('UPDATE', { body: HOLD })
    hold.buyer.answer(await hold.buyer.expect('UPDATE'), told)
    await hold.heard(`${heard} UPDATE`)
    expect([key.service.recorded.ended, hold.service.recorded.ended]).toEqual([[], []])
  })

  it('comes back so to the buyer too', async () => {
    const { callerPhone, buyer, invite, service } = await talking()
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'INVITE', cseq: 5, body: HOLD }))
    callerPhone.answer(await callerPhone.expect('INVITE'), 477)
    await buyer.expect('400 INVITE')
    expect(service.recorded.ended).toEqual([])
  })
})

describe('what is not passed on', () => {
  it.each([
    ['REFER', 603, ['Refer-To: <sip:+19005550100@127.0.0.1>']],
    ['MESSAGE', 405, []],
    ['NOTIFY', 405, ['Event: refer', 'Subscription-State: active']],
    ['OPTIONS', 200, []],
  ])('%s is answered here with %i', async (method, status, headers) => {
    const { buyer, fromCaller, heard } = await talking()
    fromCaller(method, { headers })
    await heard(`${status} ${method}`)
    expect(buyer.inbox).toEqual([])
  })
})

describe('a side that has forgotten the call', () => {
  it('ends it for both (RFC 5057)', async () => {
    const { callerPhone, buyer, fromCaller, service, heard, relayedInvite } = await talking()
    fromCaller('INVITE', { body: HOLD })
    buyer.answer(await relayedInvite(), 481)
    await heard('481 INVITE')
    const bye = await callerPhone.expect('BYE')
    callerPhone.answer(bye, 200)
    expect(await service.ending()).toMatchObject({ hungUpBy: 'bridge', endReason: 'dialog_gone' })
  })
})

it('both sides hanging up at once end the call once', async () => {
  const { buyer, invite, fromCaller, service, heard } = await talking()
  buyer.sendRaw(fromBuyer(buyer, invite, { method: 'BYE', cseq: 5 }))
  fromCaller('BYE')
  const finals: readonly Message[] = await Promise.all([buyer.expect('200 BYE'), heard('200 BYE')])
  expect(finals).toHaveLength(2)
  await service.ending()
  expect(service.recorded.ended).toHaveLength(1)
})
