import { describe, expect, it } from 'vitest'
import { answerChallenge } from '../../src/sip/digest-answer.ts'
import { waitFor } from '../support/wait.ts'
import { type Message, type Phone, SDP } from './engine/support/phone.ts'
import { aTrunk } from './support/invite.ts'
import { header, keys, newInvite, planned, startService } from './support/service.ts'

const LOOPBACK = ['127.0.0.0/8']
const BUYER_SDP = SDP.replace('6000', '7000')

/** Waits for the answer on the second branch; copies of the first one are passed over. */
async function heardAgain(phone: Phone, what: string): Promise<void> {
  for (;;) {
    const response = await phone.expect(what)
    if (header(response, 'Via')?.includes('-again')) return
  }
}

describe('an INVITE that comes again', () => {
  it('on another branch after our answer gets the same answer and makes no second call', async () => {
    const service = await startService()
    const { callerPhone, buyers, recorded } = service
    const caller = service.dial()
    buyers[0]?.answer(await buyers[0].expect('INVITE'), 486)
    callerPhone.sendRaw(caller.ack(await callerPhone.expect('486 INVITE')))
    await service.ending()
    // With the next CSeq, as some carriers do: the engine takes only exact copies for one request.
    const again = caller.invite().replace('-invite', '-again').replace('CSeq: 1 ', 'CSeq: 2 ')
    callerPhone.sendRaw(again)
    await heardAgain(callerPhone, '486 INVITE')
    expect(recorded.begun).toHaveLength(1)
    expect(recorded.nextRounds).toEqual([])
  })

  it('late, after it was cancelled, rings nobody: its caller is gone', async () => {
    const service = await startService()
    const { callerPhone, buyers, recorded } = service
    const caller = service.dial()
    buyers[0]?.answer(await buyers[0].expect('INVITE'), 180)
    await callerPhone.expect('180 INVITE')
    callerPhone.sendRaw(caller.cancel())
    callerPhone.sendRaw(caller.ack(await callerPhone.expect('487 INVITE')))
    await service.ending()
    const again = caller.invite().replace('-invite', '-again').replace('CSeq: 1 ', 'CSeq: 2 ')
    callerPhone.sendRaw(again)
    await heardAgain(callerPhone, '487 INVITE')
    expect(recorded.begun).toHaveLength(1)
  })

  it('on another branch while it rings is refused as merged (RFC 3261 §8.2.2.2)', async () => {
    const service = await startService()
    const { callerPhone, buyers, recorded } = service
    const caller = service.dial()
    await buyers[0]?.expect('INVITE')
    callerPhone.sendRaw(caller.invite().replace('-invite', '-again'))
    await callerPhone.expect('482 INVITE')
    expect(recorded.begun).toHaveLength(1)
  })

  it('for an unknown number is answered the same without being looked at again', async () => {
    const service = await startService()
    const { callerPhone, world } = service
    const uri = `sip:+18005550199@127.0.0.1:${world.port}`
    const caller = service.dial({ uri })
    await callerPhone.expect('404 INVITE')
    callerPhone.sendRaw(caller.invite().replace('-invite', '-again'))
    await heardAgain(callerPhone, '404 INVITE')
    expect(service.recorded.begun).toEqual([])
  })
})

describe('a call that we sent out', () => {
  const CALL = '019f2d6e-0000-7000-8000-00000000000a'
  it.each([
    ['as it went out', CALL],
    ['in the compact form', CALL.replaceAll('-', '').toUpperCase()],
  ])('is refused when it comes back %s', async (_, uuid) => {
    const service = await startService()
    const key = keys.derive(CALL, 1)
    service.dial({ headers: [`X-PH-RetreaverUUID: ${uuid}`, `X-PH-RetreaverKey: ${key}`] })
    await service.callerPhone.expect('482 INVITE')
    expect(service.recorded.begun).toEqual([])
  })

  it('is not what a forged key makes of it', async () => {
    const service = await startService()
    service.dial({ headers: [`X-PH-RetreaverUUID: ${CALL}`, 'X-PH-RetreaverKey: forged'] })
    await service.buyers[0]?.expect('INVITE')
  })
})

describe('a trunk with a password', () => {
  const digest = { username: 'carrier', password: 'secret' }

  it('lets the call in that answers its challenge, and asks nothing of the database before', async () => {
    const service = await startService({ trunks: [aTrunk({ allow: [], digest })] })
    const { callerPhone, recorded, world } = service
    const caller = service.dial()
    const challenge = await callerPhone.expect('401 INVITE')
    callerPhone.sendRaw(caller.ack(challenge))
    expect(recorded.begun).toEqual([])
    const lines = challenge.headers.filter(({ key }) => key === 'www-authenticate')
    expect(lines).toHaveLength(2)
    const text = lines.map(({ value }) => value).join(',')
    const request = { method: 'INVITE', uri: `sip:+18005550100@127.0.0.1:${world.port}` }
    const answer = answerChallenge({ status: 401, get: () => text }, request, digest)
    const again = caller
      .invite({ headers: [`Authorization: ${answer?.['Authorization']}`] })
      .replace('-invite', '-again')
      .replace('CSeq: 1 ', 'CSeq: 2 ')
    callerPhone.sendRaw(again)
    await service.buyers[0]?.expect('INVITE')
    const begun = await waitFor(() => recorded.begun[0], { what: 'the call' })
    expect(begun.trunkId).toBe('carrier-a')
  })

  it('refuses a wrong password like none', async () => {
    const service = await startService({ trunks: [aTrunk({ allow: [], digest })] })
    service.dial({ headers: ['Authorization: Digest username="carrier", response="00"'] })
    await service.callerPhone.expect('401 INVITE')
    expect(service.recorded.begun).toEqual([])
  })
})

it('a call is live from before its beginning is stored until its end is', async () => {
  const [beginning, ending] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const seen: string[] = []
  const service = await startService({
    flow: {
      beginCall: async (call) => {
        seen.push(call.facts.callUuid)
        await beginning.promise
        return planned(call)
      },
      endCall: async ({ callUuid }) => {
        seen.push(callUuid)
        await ending.promise
      },
    },
  })
  const { buyers, controller, callerPhone } = service
  service.dial()
  const [callUuid = ''] = await waitFor(() => seen.length === 1 && seen, { what: 'the call' })
  expect(controller.liveCallUuids()).toEqual(new Set([callUuid]))
  beginning.resolve()
  buyers[0]?.answer(await buyers[0].expect('INVITE'), 486)
  await callerPhone.expect('486 INVITE')
  await waitFor(() => seen.length === 2, { what: 'the end of the call' })
  expect(controller.liveCallUuids()).toEqual(new Set([callUuid]))
  ending.resolve()
  await waitFor(() => controller.liveCallUuids().size === 0, { what: 'the call to be over' })
})

describe('a stranger', () => {
  it('gets one answer without a banner, and nothing is dialled (F46)', async () => {
    const service = await startService({ trunks: [aTrunk()] })
    service.dial()
    const refusal = await service.callerPhone.expect('403 INVITE')
    const names = refusal.headers.map(({ key }) => key)
    expect(names).not.toContain('server')
    expect(names).not.toContain('user-agent')
    expect([service.recorded.begun, service.buyers[0]?.inbox]).toEqual([[], []])
  })
})

describe('a trunk with limits', () => {
  it('hears 486 while it has as many calls as it may have, and not after', async () => {
    const trunks = [aTrunk({ allow: LOOPBACK, concurrentMax: 1 })]
    const service = await startService({ trunks })
    const { callerPhone, buyers } = service
    service.dial()
    const invite = (await buyers[0]?.expect('INVITE')) as Message
    const refused = service.dial()
    const answer = await callerPhone.expect('486 INVITE')
    callerPhone.sendRaw(refused.ack(answer))
    expect(header(answer, 'Retry-After')).toBe('1')
    buyers[0]?.answer(invite, 480)
    await callerPhone.expect('480 INVITE')
    await service.ending()
    await waitFor(() => service.controller.liveCalls() === 0, { what: 'the call to be over' })
    callerPhone.sendRaw(refused.invite().replaceAll('-invite', '-later'))
    await newInvite(buyers[0] as Phone, invite)
  })

  const never = () => new Promise<void>(() => {})
  const ofOne = [aTrunk({ allow: LOOPBACK, concurrentMax: 1 })]

  it('hears 503 for every call that cannot be stored, and never 486 for those before it', async () => {
    let asked = 0
    const beginCall = () => {
      asked++
      return Promise.reject(new Error('away'))
    }
    const service = await startService({ trunks: ofOne, flow: { beginCall, endCall: never } })
    for (const calls of [1, 2, 3]) {
      const caller = service.dial()
      service.callerPhone.sendRaw(caller.ack(await service.callerPhone.expect('503 INVITE')))
      // A copy of an earlier 503 may have come instead.
      await waitFor(() => asked === calls, { what: 'the call to be asked about' })
    }
  })

  it('has the place of a call back that nobody is in, though its end cannot be stored', async () => {
    const service = await startService({
      trunks: ofOne,
      flow: { bridgeCall: never, endCall: never },
    })
    const { callerPhone, buyers } = service
    const [buyer] = buyers as readonly [Phone]
    const caller = service.dial()
    let invite = await buyer.expect('INVITE')
    buyer.answer(invite, 200, { body: BUYER_SDP })
    const answer = await callerPhone.expect('200 INVITE')
    callerPhone.sendRaw(caller.ack(answer))
    callerPhone.sendRaw(caller.inDialog(answer, 'BYE', 2))
    buyer.answer(await buyer.expect('BYE'), 200)
    for (const status of [486, 480]) {
      service.dial()
      invite = await newInvite(buyer, invite)
      buyer.answer(invite, status)
      await callerPhone.expect(`${status} INVITE`)
    }
    expect(service.controller.liveCalls()).toBe(3)
  })

  const none = { callsPerSecondMax: undefined, concurrentMax: undefined }
  const from = (number: string) => ({ headers: [`P-Asserted-Identity: <sip:${number}@c>`] })

  it('hears 486 for a caller who has as many calls as one may have, and lets others in', async () => {
    const trunks = [aTrunk({ allow: LOOPBACK, perCaller: { ...none, concurrentMax: 1 } })]
    const service = await startService({ trunks })
    service.dial(from('+14155550123'))
    await service.buyers[0]?.expect('INVITE')
    const privately = [...from('+14155550123').headers, 'Privacy: id']
    service.dial({ headers: privately })
    expect(header(await service.callerPhone.expect('486 INVITE'), 'Retry-After')).toBe('1')
    service.dial(from('+14155550124'))
    await waitFor(() => service.recorded.begun.length === 2, { what: 'the other call' })
  })

  it('hears 486 beyond the calls a second of one tracking number', async () => {
    const trunks = [aTrunk({ allow: LOOPBACK, perNumber: { ...none, callsPerSecondMax: 0.001 } })]
    const service = await startService({ trunks })
    service.dial(from('+14155550123'))
    service.dial(from('+14155550124'))
    await service.callerPhone.expect('486 INVITE')
    expect(service.recorded.begun).toHaveLength(1)
  })

  it('hears 503 with Retry-After beyond its calls a second', async () => {
    const trunks = [aTrunk({ allow: LOOPBACK, callsPerSecondMax: 1 })]
    const service = await startService({ trunks })
    service.dial()
    service.dial()
    expect(header(await service.callerPhone.expect('503 INVITE'), 'Retry-After')).toBe('1')
    expect(service.recorded.begun).toHaveLength(1)
  })
})

describe("a caller's identity", () => {
  it('is logged with what the trunk has found out about it', async () => {
    const logged: object[] = []
    const info = (event: string, fields: object) =>
      void (event === 'call.verstat' && logged.push(fields))
    const service = await startService({ log: { info } })
    service.dial({
      headers: ['P-Asserted-Identity: <sip:+14155550123;verstat=TN-Validation-Passed@c>'],
    })
    await service.buyers[0]?.expect('INVITE')
    const { callUuid } = service.recorded.begun[0]?.facts ?? {}
    expect(logged).toEqual([{ call_uuid: callUuid, verstat: 'TN-Validation-Passed' }])
  })

  const asserted = ['P-Asserted-Identity: <sip:+14155550123@c>', 'Privacy: id']

  it('that is private reaches a trusted buyer alone (RFC 3325)', async () => {
    const service = await startService({ buyer: { isTrusted: true } })
    service.dial({ headers: asserted })
    const invite = (await service.buyers[0]?.expect('INVITE')) as Message
    expect(header(invite, 'P-Asserted-Identity')).toMatch(
      /^<sip:\+14155550123@127\.0\.0\.1(:\d+)?>$/,
    )
    expect(header(invite, 'Privacy')).toBe('id')
    expect(header(invite, 'From')).toContain('anonymous.invalid')
  })

  it('stays with us where the buyer is not trusted', async () => {
    const service = await startService()
    service.dial({ headers: asserted })
    const invite = (await service.buyers[0]?.expect('INVITE')) as Message
    expect(JSON.stringify(invite.headers)).not.toContain('4155550123')
    expect(service.recorded.begun[0]?.facts.callerNumber).toBeUndefined()
  })
})
