import { describe, expect, it } from 'vitest'
import { startController } from '../../src/sip/controller.ts'
import { silent } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'
import { type Message, SDP } from './engine/support/phone.ts'
import {
  fromBuyer,
  header,
  keys,
  newInvite,
  planned,
  type ServiceUnderTest,
  startService,
} from './support/service.ts'

const BUYER_SDP = SDP.replace('6000', '7000')

/** Takes a call up to where both sides talk. */
async function bridged(service: ServiceUnderTest) {
  const { callerPhone, buyers, dial } = service
  const [buyer] = buyers
  if (!buyer) throw new Error('no buyer')
  const caller = dial()
  const invite = await buyer.expect('INVITE')
  buyer.answer(invite, 200, { body: BUYER_SDP })
  const answer = await callerPhone.expect('200 INVITE')
  callerPhone.sendRaw(caller.ack(answer))
  await buyer.expect('ACK')
  return { caller, buyer, invite, answer }
}

describe('a call to one buyer', () => {
  it('is stored before the buyer is dialled, with its UUID and key in the INVITE (B1)', async () => {
    const order: string[] = []
    const stored = Promise.withResolvers<void>()
    const service = await startService({
      flow: {
        beginCall: async (beginning) => {
          order.push('stored')
          await stored.promise
          return planned(beginning)
        },
      },
    })
    service.dial()
    await waitFor(() => order.length > 0, { what: 'the call to be stored' })
    expect(service.buyers[0]?.inbox).toEqual([])
    stored.resolve()
    const invite = await service.buyers[0]?.expect('INVITE')
    const callUuid = header(invite as Message, 'X-PH-RetreaverUUID') ?? ''
    expect(keys.check(callUuid, header(invite as Message, 'X-PH-RetreaverKey') ?? '')).toBe(1)
  })

  it('is bridged with the SDP of both, and recorded as bridged (B2)', async () => {
    const service = await startService()
    const { invite, answer } = await bridged(service)
    expect(invite.body).toBe(SDP)
    expect(answer.body).toBe(BUYER_SDP)
    const bridging = await waitFor(() => service.recorded.bridged[0], { what: 'the bridge' })
    expect(bridging).toMatchObject({ buyerId: 'buyer-1', leg: { leg: 1, sipStatus: 200 } })
  })

  it("passes the caller's BYE on with its Reason", async () => {
    const service = await startService()
    const { caller, buyer, answer } = await bridged(service)
    const headers = ['Reason: Q.850;cause=16;text="bye"']
    service.callerPhone.sendRaw(caller.inDialog(answer, 'BYE', 2, { headers }))
    await service.callerPhone.expect('200 BYE')
    const bye = await buyer.expect('BYE')
    expect(header(bye, 'Reason')).toBe('Q.850;cause=16;text="bye"')
    buyer.answer(bye, 200)
    expect(await service.ending()).toMatchObject({
      hungUpBy: 'caller',
      endReason: 'caller_hung_up',
      sipStatus: 200,
    })
  })

  it("passes the buyer's BYE on to the caller", async () => {
    const service = await startService()
    const { buyer, invite } = await bridged(service)
    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'BYE', cseq: 1 }))
    const bye = await service.callerPhone.expect('BYE')
    service.callerPhone.answer(bye, 200)
    expect(await service.ending()).toMatchObject({ hungUpBy: 'buyer', endReason: 'buyer_hung_up' })
  })

  it('hangs up the buyer also when the caller hangs up in the same breath as its ACK', async () => {
    const service = await startService()
    const [buyer] = service.buyers
    const caller = service.dial()
    buyer?.answer(await buyer.expect('INVITE'), 200, { body: BUYER_SDP })
    const answer = await service.callerPhone.expect('200 INVITE')
    service.callerPhone.sendRaw(caller.ack(answer))
    service.callerPhone.sendRaw(caller.inDialog(answer, 'BYE', 2))
    await buyer?.expect('BYE')
    expect(await service.ending()).toMatchObject({ hungUpBy: 'caller' })
  })

  it('never shows the buyer headers that the caller has forged (B1)', async () => {
    const service = await startService()
    service.dial({
      headers: [
        'X-PH-RetreaverUUID: forged',
        'x-ph-retreaverkey : forged',
        'X-PH-Other: forged',
        'X-PH-RetreaverKey:\r\n forged',
        'P-Charging-Vector: forged',
      ],
    })
    const invite = (await service.buyers[0]?.expect('INVITE')) as Message
    expect(JSON.stringify(invite.headers)).not.toContain('forged')
    expect(header(invite, 'X-PH-RetreaverUUID')).toBe(service.recorded.begun[0]?.facts.callUuid)
  })

  it('takes the offer from the buyer where the caller makes none', async () => {
    const service = await startService()
    const [buyer] = service.buyers
    const caller = service.dial({ body: '' })
    const invite = (await buyer?.expect('INVITE')) as Message
    expect(invite.body).toBe('')
    buyer?.answer(invite, 200, { body: BUYER_SDP })
    const answer = await service.callerPhone.expect('200 INVITE')
    expect(answer.body).toBe(BUYER_SDP)
    const length = `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`
    service.callerPhone.sendRaw(caller.ack(answer).replace(/Content-Length: 0\r\n\r\n$/, length))
    expect((await buyer?.expect('ACK'))?.body).toBe(SDP)
    await waitFor(() => service.recorded.bridged[0], { what: 'the bridge' })
  })
})

describe('a caller who gives up', () => {
  it('has the buyer cancelled, with the Reason, and is not bridged', async () => {
    const service = await startService()
    const [buyer] = service.buyers
    const caller = service.dial()
    const invite = (await buyer?.expect('INVITE')) as Message
    buyer?.answer(invite, 180)
    await service.callerPhone.expect('180 INVITE')
    service.callerPhone.sendRaw(caller.cancel())
    await service.callerPhone.expect('487 INVITE')
    const cancel = (await buyer?.expect('CANCEL')) as Message
    expect(header(cancel, 'Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    expect(await service.ending()).toMatchObject({
      hungUpBy: 'caller',
      endReason: 'caller_cancelled',
      sipStatus: 487,
    })
    expect(service.recorded.bridged).toEqual([])
  })

  it('as the buyer answers: the buyer is acknowledged and hung up, and no ping is due (B2)', async () => {
    const service = await startService()
    const [buyer] = service.buyers
    const caller = service.dial()
    const invite = (await buyer?.expect('INVITE')) as Message
    buyer?.answer(invite, 180)
    await service.callerPhone.expect('180 INVITE')
    service.callerPhone.sendRaw(caller.cancel())
    await buyer?.expect('CANCEL')
    buyer?.answer(invite, 200, { body: BUYER_SDP })
    await buyer?.expect('ACK')
    await buyer?.expect('BYE')
    expect(await service.ending()).toMatchObject({ endReason: 'caller_cancelled' })
    expect(service.recorded.bridged).toEqual([])
  })

  it('before the call is stored never reaches a buyer', async () => {
    const stored = Promise.withResolvers<void>()
    const service = await startService({
      flow: {
        beginCall: async (beginning) => {
          await stored.promise
          return planned(beginning)
        },
      },
    })
    const caller = service.dial()
    await service.callerPhone.expect('100 INVITE')
    service.callerPhone.sendRaw(caller.cancel())
    await service.callerPhone.expect('487 INVITE')
    stored.resolve()
    expect(await service.ending()).toMatchObject({ endReason: 'caller_cancelled' })
    // Whatever was sent before this answer is at the buyer when it is here.
    service.callerPhone.sendRaw(
      caller.invite().replaceAll('INVITE', 'OPTIONS').replaceAll('-invite', '-options'),
    )
    await service.callerPhone.expect('200 OPTIONS')
    expect(service.buyers[0]?.inbox).toEqual([])
  })
})

describe('a buyer that does not take the call', () => {
  it('is followed by the next one, with the same UUID and another key', async () => {
    const service = await startService({ buyers: 2 })
    const [first, second] = service.buyers
    service.dial()
    const invite = (await first?.expect('INVITE')) as Message
    first?.answer(invite, 486)
    const next = (await second?.expect('INVITE')) as Message
    expect(header(next, 'X-PH-RetreaverUUID')).toBe(header(invite, 'X-PH-RetreaverUUID'))
    const callUuid = header(next, 'X-PH-RetreaverUUID') ?? ''
    expect(keys.check(callUuid, header(next, 'X-PH-RetreaverKey') ?? '')).toBe(2)
    expect(service.recorded.nextRounds).toMatchObject([
      { failed: [{ leg: 1, sipStatus: 486, fault: 'buyer', reason: 'busy' }], firstLeg: 2 },
    ])
  })

  it('leaves the caller with the best answer when it was the last', async () => {
    const service = await startService({ buyers: 2 })
    const [first, second] = service.buyers
    service.dial()
    first?.answer(await first.expect('INVITE'), 486)
    second?.answer(await second.expect('INVITE'), 503)
    await service.callerPhone.expect('486 INVITE')
    expect(await service.ending()).toMatchObject({ endReason: 'overloaded', sipStatus: 486 })
  })

  it('is cancelled when it has rung long enough, and the caller hears 480', async () => {
    const service = await startService({ buyer: { ringTimeoutMs: 60 } })
    const [buyer] = service.buyers
    service.dial()
    buyer?.answer(await buyer.expect('INVITE'), 180)
    await buyer?.expect('CANCEL')
    await service.callerPhone.expect('480 INVITE')
    expect(await service.ending()).toMatchObject({ endReason: 'no_answer', sipStatus: 480 })
  })

  it('cannot send early media while another buyer may follow', async () => {
    const service = await startService({ buyers: 2 })
    const [first, second] = service.buyers
    service.dial()
    const invite = (await first?.expect('INVITE')) as Message
    first?.answer(invite, 183, { body: BUYER_SDP })
    expect((await service.callerPhone.expect('180 INVITE')).body).toBe('')
    first?.answer(invite, 480)
    second?.answer(await second.expect('INVITE'), 183, { body: BUYER_SDP })
    expect((await service.callerPhone.expect('183 INVITE')).body).toBe(BUYER_SDP)
  })

  it('ends the call where the next leg cannot be stored', async () => {
    const service = await startService({
      buyers: 2,
      flow: { dialNextRound: () => Promise.reject(new Error('away')) },
    })
    const [first, second] = service.buyers
    service.dial()
    first?.answer(await first.expect('INVITE'), 486)
    await service.callerPhone.expect('503 INVITE')
    expect(second?.inbox).toEqual([])
  })
})

describe('the service', () => {
  it('refuses a call that cannot be stored with 503 and dials nobody', async () => {
    const service = await startService({
      flow: { beginCall: () => Promise.reject(new Error('away')) },
    })
    service.dial()
    await service.callerPhone.expect('503 INVITE')
    expect(service.buyers[0]?.inbox).toEqual([])
    // Not even its end is kept for later: while the database is away there may be thousands of them.
    await waitFor(() => service.controller.liveCalls() === 0, { what: 'the call to be over' })
    expect(service.recorded.ended).toEqual([])
  })

  it('relays a re-INVITE and refuses to transfer', async () => {
    const service = await startService()
    const { caller, buyer, answer } = await bridged(service)
    const hold = SDP.replace('6000', '6002')
    service.callerPhone.sendRaw(caller.inDialog(answer, 'INVITE', 2, { body: hold }))
    const reinvite = await buyer.expect('INVITE')
    expect(reinvite.body).toBe(hold)
    buyer.answer(reinvite, 200, { body: BUYER_SDP })
    expect((await service.callerPhone.expect('200 INVITE')).body).toBe(BUYER_SDP)
    service.callerPhone.sendRaw(caller.ack(answer, 2))
    const headers = ['Refer-To: <sip:+19005550100@127.0.0.1>']
    service.callerPhone.sendRaw(caller.inDialog(answer, 'REFER', 3, { headers }))
    await service.callerPhone.expect('603 REFER')
  })

  it('ends live calls as lost when the SIP server is gone', async () => {
    const service = await startService()
    await bridged(service)
    await service.loseServer()
    expect(await service.ending()).toMatchObject({ hungUpBy: 'bridge', endReason: 'bridge_lost' })
  })

  it('ends a call as lost whose offer waits for its answer when the SIP server goes', async () => {
    const service = await startService()
    const { caller, buyer, answer, invite } = await bridged(service)
    service.callerPhone.sendRaw(caller.inDialog(answer, 'INVITE', 2))
    const asked = await newInvite(buyer, invite)
    buyer.answer(asked, 200, { body: BUYER_SDP })
    await service.callerPhone.expect('200 INVITE', answer)
    await service.loseServer()
    expect(await service.ending()).toMatchObject({ hungUpBy: 'bridge', endReason: 'bridge_lost' })
  })

  it('takes no new calls while draining, and hangs up what is left at the limit', async () => {
    const service = await startService()
    const { buyer } = await bridged(service)
    const closed = service.controller.close(300)
    service.dial()
    expect(header(await service.callerPhone.expect('503 INVITE'), 'Retry-After')).toBe('10')
    buyer.answer(await buyer.expect('BYE'), 200)
    service.callerPhone.answer(await service.callerPhone.expect('BYE'), 200)
    await closed
    expect(await service.ending()).toMatchObject({ hungUpBy: 'bridge', endReason: 'draining' })
    expect(service.controller.liveCalls()).toBe(0)
  })

  it('refuses a call that still rings at the limit, and cancels the buyer', async () => {
    const service = await startService()
    const [buyer] = service.buyers
    service.dial()
    const invite = await buyer?.expect('INVITE')
    if (invite) buyer?.answer(invite, 180)
    await service.callerPhone.expect('180 INVITE')
    const closed = service.controller.close(50)
    await service.callerPhone.expect('503 INVITE')
    await buyer?.expect('CANCEL')
    await closed
    expect(await service.ending()).toMatchObject({ hungUpBy: 'bridge', endReason: 'draining' })
  })

  it('leaves nothing behind in the engine', async () => {
    const service = await startService()
    const { caller, buyer, answer } = await bridged(service)
    service.callerPhone.sendRaw(caller.inDialog(answer, 'BYE', 2))
    buyer.answer(await buyer.expect('BYE'), 200)
    await service.ending()
    await service.world.quiescent()
  })

  it('says in one sentence what to do when the SIP server refuses the secret', async () => {
    const service = await startService()
    await expect(
      startController({
        server: { ...service.world.stack.admin, secret: 'wrong' },
        directory: () => {
          throw new Error('not asked')
        },
        connectTimeoutMs: 2_000,
        flow: {} as never,
        keys,
        headerNames: { uuid: 'a', key: 'b' },
        processId: '',
        names: () => ({ campaignName: '', publisherName: '', buyerName: undefined }),
        random: () => 0,
        callMsMax: 1,
        log: silent,
      }),
    ).rejects.toThrow(/refused the secret: set DRACHTIO_SECRET/)
  })
})
