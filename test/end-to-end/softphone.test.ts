import { expect, it } from 'vitest'
import { SDP } from '../sip/engine/support/phone.ts'
import { startSoftphone } from '../sip/support/peers.ts'
import { startService } from '../sip/support/service.ts'
import { waitFor } from '../support/wait.ts'

it('a call to a real softphone is answered, held, resumed and hung up', async () => {
  const softphone = await startSoftphone()
  const requestUri = `sip:sales@127.0.0.1:${softphone.port}`
  const service = await startService({ buyer: { requestUri } })
  const { callerPhone, recorded } = service
  const caller = service.dial()
  const answer = await callerPhone.expect('200 INVITE')
  expect(answer.body).toMatch(/m=audio \d+ RTP\/AVP 0/)
  callerPhone.sendRaw(caller.ack(answer))
  const bridged = await waitFor(() => recorded.bridged[0], { what: 'the bridge' })
  expect(bridged.buyerId).toBe('buyer-1')

  const versions = ['1 2 IN', '1 3 IN']
  for (const [index, direction] of ['sendonly', 'sendrecv'].entries()) {
    const cseq = index + 2
    const body = `${SDP.replace('1 1 IN', versions[index] ?? '')}a=${direction}\r\n`
    callerPhone.sendRaw(caller.inDialog(answer, 'INVITE', cseq, { body }))
    const again = await waitForAnswer(callerPhone, cseq)
    expect(again.body).toContain(direction === 'sendonly' ? 'a=recvonly' : 'a=sendrecv')
    callerPhone.sendRaw(caller.ack(answer, cseq))
  }

  callerPhone.sendRaw(caller.inDialog(answer, 'BYE', 9))
  await callerPhone.expect('200 BYE')
  expect(await service.ending()).toMatchObject({ hungUpBy: 'caller', sipStatus: 200 })
  await waitFor(() => /terminated|closed/i.test(softphone.output()), {
    what: 'the softphone to notice',
  })
})

it('a caller who gives up stops a real softphone from ringing on', async () => {
  const softphone = await startSoftphone({ answers: false })
  const requestUri = `sip:sales@127.0.0.1:${softphone.port}`
  const service = await startService({ buyer: { requestUri } })
  const caller = service.dial()
  await service.callerPhone.expect('180 INVITE')
  service.callerPhone.sendRaw(caller.cancel())
  await service.callerPhone.expect('487 INVITE')
  expect(await service.ending()).toMatchObject({ endReason: 'caller_cancelled' })
  await waitFor(() => /terminated|closed/i.test(softphone.output()), {
    what: 'the softphone to stop ringing',
  })
  await service.world.quiescent()
})

async function waitForAnswer(
  phone: { expect: (what: string) => Promise<{ readonly cseq: number; readonly body: string }> },
  cseq: number,
) {
  for (;;) {
    const response = await phone.expect('200 INVITE')
    if (response.cseq === cseq) return response
  }
}
