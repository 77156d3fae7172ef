import { describe, expect, it } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type Phone, SDP } from './engine/support/phone.ts'
import { header, keys, type ServiceUnderTest, startService } from './support/service.ts'

const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'

/** Two buyers that ring at once. */
async function ringing() {
  const service = await startService({ buyers: 2, ringsTogether: true })
  const caller = service.dial()
  const [first, second] = service.buyers as readonly [Phone, Phone]
  const invites = { first: await first.expect('INVITE'), second: await second.expect('INVITE') }
  return { service, caller, first, second, invites }
}

const bridging = ({ recorded }: ServiceUnderTest) =>
  waitFor(() => recorded.bridged[0], { what: 'the bridge' })

describe('a ring group', () => {
  it('rings all its buyers at once, each with a key of its own', async () => {
    const { invites } = await ringing()
    const of = (name: string) => [header(invites.first, name), header(invites.second, name)]
    expect(new Set(of('X-PH-RetreaverUUID')).size).toBe(1)
    expect(new Set(of('X-PH-RetreaverKey')).size).toBe(2)
    expect(new Set(of('Call-ID')).size).toBe(2)
  })

  it('gives the call to the first that answers, and cancels the others saying why', async () => {
    const { service, first, second, invites } = await ringing()
    first.answer(invites.first, 180)
    second.answer(invites.second, 180)
    await service.callerPhone.expect('180 INVITE')
    second.answer(invites.second, 200, { body: SDP })
    await service.callerPhone.expect('200 INVITE')
    const cancel = await first.expect('CANCEL')
    expect(header(cancel, 'Reason')).toBe(ELSEWHERE)
    const bridged = await bridging(service)
    const callUuid = header(invites.second, 'X-PH-RetreaverUUID') ?? ''
    const leg = keys.check(callUuid, header(invites.second, 'X-PH-RetreaverKey') ?? '')
    expect(bridged).toMatchObject({ buyerId: 'buyer-2', leg: { leg } })
    expect(bridged.lost).toMatchObject([
      { sipStatus: 487, fault: 'bridge', reason: 'lost_the_race' },
    ])
  })

  it('acknowledges and hangs up a buyer whose answer crosses the CANCEL', async () => {
    const { service, first, second, invites } = await ringing()
    first.answer(invites.first, 180)
    await service.callerPhone.expect('180 INVITE')
    second.answer(invites.second, 200, { body: SDP })
    await first.expect('CANCEL')
    first.answer(invites.first, 200, { body: SDP })
    await first.expect('ACK')
    first.answer(await first.expect('BYE'), 200)
    await bridging(service)
    expect(service.recorded.bridged).toHaveLength(1)
  })

  it('survives two answers in the same moment: one is bridged, the other hung up', async () => {
    const { service, caller, first, second, invites } = await ringing()
    first.answer(invites.first, 200, { body: SDP })
    second.answer(invites.second, 200, { body: SDP })
    const answer = await service.callerPhone.expect('200 INVITE')
    service.callerPhone.sendRaw(caller.ack(answer))
    const loser = await Promise.race([
      first.expect('BYE').then(() => 'first'),
      second.expect('BYE').then(() => 'second'),
    ])
    const bridged = await bridging(service)
    expect(bridged.lost).toHaveLength(1)
    expect(service.recorded.bridged).toHaveLength(1)
    expect(['first', 'second']).toContain(loser)
  })

  it('goes on ringing while one of them is busy', async () => {
    const { service, first, second, invites } = await ringing()
    first.answer(invites.first, 486)
    second.answer(invites.second, 200, { body: SDP })
    await service.callerPhone.expect('200 INVITE')
    expect((await bridging(service)).lost).toMatchObject([{ sipStatus: 486, reason: 'busy' }])
  })

  it('fails once all have failed, with the best answer', async () => {
    const { service, first, second, invites } = await ringing()
    first.answer(invites.first, 486)
    second.answer(invites.second, 404)
    await service.callerPhone.expect('486 INVITE')
    const { legs } = await service.ending()
    expect(new Set(legs.map(({ sipStatus }) => sipStatus))).toEqual(new Set([404, 486]))
  })

  it('is cancelled as a whole when the caller gives up', async () => {
    const { service, caller, first, second, invites } = await ringing()
    first.answer(invites.first, 180)
    second.answer(invites.second, 180)
    await service.callerPhone.expect('180 INVITE')
    service.callerPhone.sendRaw(caller.cancel())
    await Promise.all([first.expect('CANCEL'), second.expect('CANCEL')])
    const ending = await service.ending()
    expect(ending).toMatchObject({ endReason: 'caller_cancelled' })
    expect(ending.legs).toHaveLength(2)
  })

  it('never passes on early media: the next answer may be of another buyer', async () => {
    const { service, first, invites } = await ringing()
    first.answer(invites.first, 183, { body: SDP })
    expect((await service.callerPhone.expect('180 INVITE')).body).toBe('')
  })
})
