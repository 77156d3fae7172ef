import { describe, expect, it } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type Phone, SDP } from './engine/support/phone.ts'
import { header, planned, startService } from './support/service.ts'

const BUYER_SDP = SDP.replace('6000', '7000')

/** The same message with a session description. */
const withSdp = (text: string, sdp = SDP): string =>
  text.replace(
    'Content-Length: 0\r\n\r\n',
    `Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`,
  )

describe("a buyer's 200 without Contact, to which no dialog can be made", () => {
  it.each([
    ['that answers our offer', SDP, false],
    ['that holds an offer', '', false],
    ['or with one that is no address,', SDP, '*'],
    ['or with one that is no address, and with an offer,', '', '<tel:+1>'],
  ] as const)('%s is a failure: the next buyer has the call', async (_, body, contact) => {
    const service = await startService({ buyers: 2 })
    const { callerPhone, recorded } = service
    const [first, second] = service.buyers as readonly [Phone, Phone]
    const caller = service.dial({ body })
    first.answer(await first.expect('INVITE'), 200, { body: BUYER_SDP, contact })
    await first.expect('ACK')
    second.answer(await second.expect('INVITE'), 200, { body: BUYER_SDP })
    const answer = await callerPhone.expect('200 INVITE')
    callerPhone.sendRaw(withSdp(caller.ack(answer)))
    await second.expect('ACK')
    expect(recorded.nextRounds).toMatchObject([
      { failed: [{ sipStatus: 500, fault: 'buyer', reason: 'server_error_500' }] },
    ])
  })
})

describe('a session description that is none', () => {
  it("of a caller is for the buyer to judge, and says nothing of the buyer's host", async () => {
    const service = await startService()
    const [buyer] = service.buyers as readonly [Phone]
    service.dial({ body: 'hello' })
    const invite = await buyer.expect('INVITE')
    expect([invite.body, header(invite, 'Content-Type')]).toEqual(['hello', 'application/sdp'])
    buyer.answer(invite, 488)
    await service.callerPhone.expect('488 INVITE')
  })

  it('of a buyer is for the caller to judge', async () => {
    const service = await startService()
    const { callerPhone } = service
    const [buyer] = service.buyers as readonly [Phone]
    service.dial()
    const invite = await buyer.expect('INVITE')
    buyer.answer(invite, 183, { body: 'hello' })
    expect((await callerPhone.expect('183 INVITE')).body).toBe('hello')
    buyer.answer(invite, 200, { body: 'hello' })
    const answer = await callerPhone.expect('200 INVITE')
    expect([answer.body, header(answer, 'Content-Type')]).toEqual(['hello', 'application/sdp'])
  })
})

describe('a call that cannot go on because of a mistake of ours', () => {
  it('is refused with 500, ended, and leaves nothing behind', async () => {
    const service = await startService({
      flow: {
        beginCall: async (beginning) => ({ ...planned(beginning), plan: undefined as never }),
      },
    })
    service.dial()
    await service.callerPhone.expect('500 INVITE')
    expect(await service.ending()).toMatchObject({ endReason: 'bridge_failed', sipStatus: 500 })
    await waitFor(() => service.controller.liveCalls() === 0, { what: 'the call to be over' })
  })

  it('at one buyer goes on to the next', async () => {
    const names = (call: { readonly buyerId: string | undefined }) => {
      if (call.buyerId === 'buyer-1') throw new Error('a mistake')
      return { campaignName: '', publisherName: '', buyerName: '' }
    }
    const service = await startService({ buyers: 2, names })
    service.dial()
    await service.buyers[1]?.expect('INVITE')
    expect(service.recorded.nextRounds).toMatchObject([
      { failed: [{ leg: 1, fault: 'bridge', reason: 'bridge_failed' }] },
    ])
  })

  it('goes on talking where only the fact that it was bridged could not be kept', async () => {
    const service = await startService({
      flow: { bridgeCall: () => Promise.reject(new Error('a mistake')) },
    })
    const { callerPhone } = service
    const [buyer] = service.buyers as readonly [Phone]
    const caller = service.dial()
    buyer.answer(await buyer.expect('INVITE'), 200, { body: BUYER_SDP })
    const answer = await callerPhone.expect('200 INVITE')
    callerPhone.sendRaw(caller.ack(answer))
    await buyer.expect('ACK')
    callerPhone.sendRaw(caller.inDialog(answer, 'BYE', 2))
    buyer.answer(await buyer.expect('BYE'), 200)
    expect(await service.ending()).toMatchObject({ endReason: 'caller_hung_up' })
  })
})

describe('a caller that was to answer the offer of the buyer', () => {
  it.each([
    ['no answer', ''],
    ['nothing that is one', 'hello'],
  ])('and whose ACK holds %s is hung up, and so is the buyer', async (_, body) => {
    const service = await startService()
    const { callerPhone } = service
    const [buyer] = service.buyers as readonly [Phone]
    const caller = service.dial({ body: '' })
    buyer.answer(await buyer.expect('INVITE'), 200, { body: BUYER_SDP })
    callerPhone.sendRaw(withSdp(caller.ack(await callerPhone.expect('200 INVITE')), body))
    callerPhone.answer(await callerPhone.expect('BYE'), 200)
    buyer.answer(await buyer.expect('BYE'), 200)
    expect(await service.ending()).toMatchObject({
      hungUpBy: 'bridge',
      endReason: 'no_session_description',
      sipStatus: 200,
      legs: [{ fault: 'caller', reason: 'no_session_description' }],
    })
  })

  it('is lost with the SIP server, and has not given up', async () => {
    const service = await startService()
    const [buyer] = service.buyers as readonly [Phone]
    service.dial({ body: '' })
    buyer.answer(await buyer.expect('INVITE'), 200, { body: BUYER_SDP })
    await service.callerPhone.expect('200 INVITE')
    await service.loseServer()
    expect(await service.ending()).toMatchObject({
      hungUpBy: 'bridge',
      endReason: 'bridge_lost',
      legs: [{ fault: 'bridge', reason: 'bridge_lost' }],
    })
  })
})

it('a call that was being stored when the SIP server went is lost', async () => {
  const stored = Promise.withResolvers<void>()
  const begun: unknown[] = []
  const service = await startService({
    flow: {
      beginCall: async (beginning) => {
        begun.push(beginning)
        await stored.promise
        return planned(beginning)
      },
    },
  })
  service.dial()
  await waitFor(() => begun.length > 0, { what: 'the call' })
  await service.loseServer()
  stored.resolve()
  expect(await service.ending()).toMatchObject({
    endReason: 'bridge_lost',
    legs: [{ fault: 'bridge', reason: 'bridge_lost' }],
  })
})
