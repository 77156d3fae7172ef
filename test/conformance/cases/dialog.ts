import assert from 'node:assert/strict'
import { SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { fromCallee } from '../callee.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'
import { answeredCall } from './incoming.ts'
import { dialogOf, placedCall } from './outgoing.ts'

const HOLD = SDP.replace('s=-', 's=hold')

/** Requests that an application hears as an event of its dialog and answers itself. */
const EVENTS = ['INFO', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'REFER', 'UPDATE'] as const

async function placed(stage: Stage) {
  const { outcome, phone } = await placedCall(stage)
  const invite = await phone.expect('INVITE')
  phone.answer(invite, 200, { body: SDP })
  await phone.expect('ACK')
  return { phone, invite, dialog: await dialogOf(outcome) }
}

/** Where the BYE goes once the caller has answered a re-INVITE from another Contact. */
async function targetAfterMove(stage: Stage, expectedUser: string): Promise<void> {
  const { dialog, phone } = await answeredCall(stage)
  const modified = dialog.modify(HOLD)
  const contact = `<sip:moved@127.0.0.1:${phone.port}>`
  phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact })
  await phone.expect('ACK')
  await modified
  const over = dialog.destroy()
  const bye = await phone.expect('BYE')
  assert.match(bye.text, new RegExp(`^BYE sip:${expectedUser}@`))
  phone.answer(bye, 200)
  await over
}

/** An application subscribes; its last NOTIFY is heard, and answered as expected. */
async function subscribed(stage: Stage, expectedAnswer: string): Promise<void> {
  const { outcome, phone } = await placedCall(stage, {
    method: 'SUBSCRIBE',
    localSdp: undefined,
    // The client looks its subscription up by the name of the subscriber in the NOTIFY.
    headers: { Event: 'presence', Expires: '60', From: 'sip:bob@localhost' },
  })
  const subscribe = await phone.expect('SUBSCRIBE')
  phone.answer(subscribe, 202, { headers: ['Expires: 60'] })
  const dialog = await dialogOf(outcome)
  const heard = Promise.withResolvers<string>()
  dialog.on('notify', (req, res) => {
    heard.resolve(req.get('Subscription-State'))
    res.send(200)
  })
  const headers = ['Event: presence', 'Subscription-State: terminated']
  phone.sendRaw(fromCallee(phone, subscribe, 'NOTIFY', { cseq: 1, headers }))
  await phone.expect(expectedAnswer)
  assert.equal(await heard.promise, 'terminated')
}

/** What happens inside a call that is up. */
export const DIALOG_CASES: readonly Case[] = [
  {
    name: 'a re-INVITE of the caller is answered by the application, with the same tags',
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      dialog.on('modify', (_req, res) => {
        res.send(200, { body: HOLD })
      })
      phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
      const again = await phone.expect('200 INVITE', ok)
      assert.equal(again.toTag, ok.toTag)
      assert.equal(again.body, HOLD)
      assert.match(valueOf(again, 'contact'), /<sip:/)
      phone.sendRaw(call.ack(again, 2))
      phone.sendRaw(call.inDialog(ok, 'BYE', 3))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'a re-INVITE of the called phone is answered by the application',
    run: async (stage) => {
      const { dialog, invite, phone } = await placed(stage)
      dialog.on('modify', (_req, res) => {
        res.send(200, { body: HOLD })
      })
      phone.sendRaw(fromCallee(phone, invite, 'INVITE', { cseq: 1, body: SDP }))
      const ok = await phone.expect('200 INVITE')
      assert.equal(ok.body, HOLD)
      phone.sendRaw(fromCallee(phone, invite, 'ACK', { cseq: 1 }))
      phone.sendRaw(fromCallee(phone, invite, 'BYE', { cseq: 2 }))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'modify sends a re-INVITE to the caller and acknowledges its answer',
    run: async (stage) => {
      const { dialog, ok, phone } = await answeredCall(stage)
      const modified = dialog.modify(HOLD)
      const invite = await phone.expect('INVITE')
      assert.equal(invite.body, HOLD)
      assert.equal(invite.fromTag, ok.toTag)
      phone.answer(invite, 200, { body: SDP })
      await phone.expect('ACK')
      await modified
      const over = dialog.destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'a caller that answers a re-INVITE with another Contact is reached there from then on',
    run: (stage) => targetAfterMove(stage, 'moved'),
    differs: {
      why: 'drachtio-server goes on to the first Contact (RFC 3261 §12.2.1.2 asks for the new one)',
      run: (stage) => targetAfterMove(stage, 'caller'),
    },
  },
  {
    name: 'modify sends a re-INVITE to the called phone and acknowledges its answer',
    run: async (stage) => {
      const { dialog, invite, phone } = await placed(stage)
      const modified = dialog.modify(HOLD)
      const again = await phone.expect('INVITE', invite)
      assert.equal(again.cseq, invite.cseq + 1)
      phone.answer(again, 200, { body: SDP })
      assert.equal((await phone.expect('ACK')).cseq, again.cseq)
      await modified
      const over = dialog.destroy()
      phone.answer(await phone.expect('BYE'), 200)
      await over
    },
  },
  ...EVENTS.map((method): Case => ({
    name: `${method} of the other side is an event of the dialog, and answered`,
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      dialog.on(method.toLowerCase(), (req, res) => {
        res.send(req.method === method ? 202 : 500)
      })
      const extra = method === 'REFER' ? ['Refer-To: <sip:x@y>'] : ['Event: refer']
      phone.sendRaw(call.inDialog(ok, method, 2, { headers: extra }))
      await phone.expect(`202 ${method}`)
      phone.sendRaw(call.inDialog(ok, 'BYE', 3))
      await phone.expect('200 BYE')
    },
  })),
  ...(['INFO', 'NOTIFY', 'MESSAGE', 'REFER', 'OPTIONS', 'UPDATE'] as const).map((method): Case => ({
    name: `${method} of the application goes to the other side, and its response back`,
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage)
      const headers = { Event: 'refer', 'Refer-To': '<sip:x@y>' }
      const response = dialog.request({ method, headers })
      const request = await phone.expect(method)
      assert.match(request.text, new RegExp(`^${method} sip:caller@127\\.0\\.0\\.1:${phone.port} `))
      phone.answer(request, 202)
      assert.equal((await response).status, 202)
      const over = dialog.destroy()
      const bye = await phone.expect('BYE')
      assert.equal(bye.cseq, request.cseq + 1)
      phone.answer(bye, 200)
      await over
    },
  })),
  {
    name: 'an answered SUBSCRIBE makes a dialog: NOTIFYs go to its sender until it ends',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const { srf } = await stage.application({
        subscribe: (req, res) => {
          const notify = async (): Promise<void> => {
            const dialog = await srf.createUAS(req, res, { headers: { Expires: '60' } })
            for (const state of ['active', 'terminated']) {
              const headers = { Event: 'presence', 'Subscription-State': state }
              await dialog.request({ method: 'NOTIFY', headers })
            }
          }
          void notify().catch(() => undefined)
        },
      })
      const text = call.invite({ headers: ['Event: presence', 'Expires: 60'], body: '' })
      phone.sendRaw(text.replaceAll('INVITE', 'SUBSCRIBE'))
      const accepted = await phone.expect('202 SUBSCRIBE')
      assert.match(valueOf(accepted, 'contact'), /<sip:/)
      const first = await phone.expect('NOTIFY')
      assert.equal(first.fromTag, accepted.toTag)
      phone.answer(first, 200)
      const last = await phone.expect('NOTIFY', first)
      assert.equal(valueOf(last, 'subscription-state'), 'terminated')
      phone.answer(last, 200)
    },
  },
  {
    name: 'createUAC subscribes, and hears the NOTIFYs of its subscription',
    run: (stage) => subscribed(stage, '200 NOTIFY'),
    differs: {
      why: 'drachtio-server hands the NOTIFY over, answers 500 itself and refuses the answer',
      run: (stage) => subscribed(stage, '500 NOTIFY'),
    },
  },
  {
    name: 'a request that comes out of order is refused',
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      dialog.on('info', (_req, res) => {
        res.send(200)
      })
      phone.sendRaw(call.inDialog(ok, 'INFO', 5))
      await phone.expect('200 INFO')
      phone.sendRaw(call.inDialog(ok, 'INFO', 4))
      await phone.expect('500 INFO')
      phone.sendRaw(call.inDialog(ok, 'BYE', 6))
      await phone.expect('200 BYE')
    },
    differs: {
      why: 'drachtio-server hands it to the application (RFC 3261 §12.2.2 asks for 500)',
      run: async (stage) => {
        const { call, dialog, ok, phone } = await answeredCall(stage)
        dialog.on('info', (_req, res) => {
          res.send(200)
        })
        phone.sendRaw(call.inDialog(ok, 'INFO', 5))
        await phone.expect('200 INFO')
        phone.sendRaw(call.inDialog(ok, 'INFO', 4))
        await phone.expect('200 INFO')
        phone.sendRaw(call.inDialog(ok, 'BYE', 6))
        await phone.expect('200 BYE')
      },
    },
  },
  {
    name: 'the calls of an application that has gone are hung up',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const { kill, srf } = await stage.application({
        invite: (req, res) => void srf.createUAS(req, res, { localSdp: SDP }),
      })
      phone.sendRaw(call.invite())
      phone.sendRaw(call.ack(await phone.expect('200 INVITE')))
      kill()
      phone.answer(await phone.expect('BYE'), 200)
    },
    differs: {
      why: 'drachtio-server leaves them up, and answers 481 to the BYE of the other side',
      run: async (stage) => {
        const phone = await stage.phone()
        const call = stage.callFrom(phone)
        const { kill, srf } = await stage.application({
          invite: (req, res) => void srf.createUAS(req, res, { localSdp: SDP }),
        })
        phone.sendRaw(call.invite())
        const ok = await phone.expect('200 INVITE')
        phone.sendRaw(call.ack(ok))
        kill()
        phone.sendRaw(call.inDialog(ok, 'BYE', 2))
        await phone.expect('481 BYE')
      },
    },
  },
]
