import assert from 'node:assert/strict'
import { SDP, valueOf } from '../../sip/engine/support/phone.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'
import { answeredCall } from './incoming.ts'
import { dialogOf, placedCall } from './outgoing.ts'

/** A call that a phone has answered with this Session-Expires. */
async function placed(stage: Stage, expires: string) {
  const { outcome, phone } = await placedCall(stage)
  const invite = await phone.expect('INVITE')
  phone.answer(invite, 200, { body: SDP, headers: [`Session-Expires: ${expires}`] })
  await phone.expect('ACK')
  const dialog = await dialogOf(outcome)
  const ended = new Promise<string>((resolve) => {
    dialog.on('destroy', (_, reason) => {
      resolve(reason)
    })
  })
  return { phone, invite, dialog, ended }
}

/** Session timers: applications see nothing of them. @see RFC 4028 */
export const SESSION_TIMER_CASES: readonly Case[] = [
  {
    name: 'a caller that says who refreshes is echoed its Session-Expires',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const { srf } = await stage.application({
        invite: (req, res) => void srf.createUAS(req, res, { localSdp: SDP }),
      })
      const headers = ['Supported: timer', 'Session-Expires: 600;refresher=uac']
      phone.sendRaw(call.invite({ headers }))
      const ok = await phone.expect('200 INVITE')
      assert.match(valueOf(ok, 'session-expires'), /^600;\s*refresher=uac$/)
      phone.sendRaw(call.ack(ok))
      phone.sendRaw(call.inDialog(ok, 'BYE', 2))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'a caller that leaves the refresher open is not',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const { srf } = await stage.application({
        invite: (req, res) => void srf.createUAS(req, res, { localSdp: SDP }),
      })
      phone.sendRaw(call.invite({ headers: ['Supported: timer', 'Session-Expires: 600'] }))
      const ok = await phone.expect('200 INVITE')
      assert.equal(valueOf(ok, 'session-expires'), '')
      phone.sendRaw(call.ack(ok))
      phone.sendRaw(call.inDialog(ok, 'BYE', 2))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'a re-INVITE that asks for less than 90 s gets 422 and Min-SE',
    run: async (stage) => {
      const { call, ok, phone } = await answeredCall(stage)
      const headers = ['Session-Expires: 60;refresher=uac']
      phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { headers, body: SDP }))
      const refusal = await phone.expect('422 INVITE')
      assert.equal(valueOf(refusal, 'min-se'), '90')
      phone.sendRaw(call.ack(refusal, 2))
      phone.sendRaw(call.inDialog(ok, 'BYE', 3))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'a call that its caller does not refresh is hung up, and the application told',
    seconds: 90,
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const ended = Promise.withResolvers<string>()
      const { srf } = await stage.application({
        invite: (req, res) => {
          void srf.createUAS(req, res, { localSdp: SDP }).then((dialog) => {
            dialog.on('destroy', (_, reason) => {
              ended.resolve(reason)
            })
          })
        },
      })
      phone.sendRaw(call.invite({ headers: ['Session-Expires: 90;refresher=uac'] }))
      phone.sendRaw(call.ack(await phone.expect('200 INVITE')))
      const bye = await stage.expectWithin(phone, 'BYE', 95)
      assert.match(valueOf(bye, 'reason'), /Session timer expired/)
      phone.answer(bye, 200)
      assert.match(await ended.promise, /Session timer expired/)
    },
  },
  {
    name: 'a call that the server is to refresh gets a re-INVITE with the offer it has had',
    seconds: 55,
    run: async (stage) => {
      const { dialog, phone } = await placed(stage, '90;refresher=uac')
      const refresh = await stage.expectWithin(phone, 'INVITE', 55)
      assert.equal(refresh.body, SDP)
      assert.match(valueOf(refresh, 'session-expires'), /^90;\s*refresher=uac$/)
      assert.equal(valueOf(refresh, 'min-se'), '90')
      phone.answer(refresh, 200, { body: SDP, headers: ['Session-Expires: 90;refresher=uac'] })
      await phone.expect('ACK')
      const over = dialog.destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'a refresh that meets glare comes again',
    seconds: 110,
    run: async (stage) => {
      const { dialog, phone } = await placed(stage, '90;refresher=uac')
      const first = await stage.expectWithin(phone, 'INVITE', 55)
      phone.answer(first, 491)
      await phone.expect('ACK')
      const second = await stage.expectWithin(phone, 'INVITE', 55)
      assert.ok(second.cseq > first.cseq)
      phone.answer(second, 200, { body: SDP })
      await phone.expect('ACK')
      const over = dialog.destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'a call whose refresh is refused is hung up, and the application told',
    seconds: 55,
    run: async (stage) => {
      const { ended, phone } = await placed(stage, '90;refresher=uac')
      phone.answer(await stage.expectWithin(phone, 'INVITE', 55), 481)
      await phone.expect('ACK')
      phone.answer(await phone.expect('BYE'), 200)
      assert.match(await ended, /Session timer expired/)
    },
  },
]
