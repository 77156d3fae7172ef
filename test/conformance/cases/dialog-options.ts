import assert from 'node:assert/strict'
import type { Dlg, Req, Res, SrfLike } from '../../sip/engine/support/application.ts'
import { type Message, SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { fromCallee } from '../callee.ts'
import type { Stage } from '../stage.ts'
import { called, hangUp, type Loose, pickUp } from '../library.ts'
import type { Case } from '../subject.ts'
import { answeredCall } from './incoming.ts'
import { dialogOf, placedCall } from './outgoing.ts'

const HOLD = SDP.replace('s=-', 's=hold')
const SENDRECV = `${SDP}a=sendrecv\r\n`

/** The library takes its arguments in more ways than one type says. */
const createUas = (srf: SrfLike): Loose => srf.createUAS.bind(srf) as unknown as Loose

/** A call that comes in to an application that answers it in its own way. */
async function incoming(stage: Stage, answer: (srf: SrfLike, req: Req, res: Res) => void) {
  const phone = await stage.phone()
  const call = stage.callFrom(phone)
  const { srf } = await stage.application({
    invite: (req, res) => {
      answer(srf, req, res)
    },
  })
  phone.sendRaw(call.invite())
  const ok = await phone.expect('200 INVITE')
  phone.sendRaw(call.ack(ok))
  return { phone, call, ok }
}

/** createUAS in all its forms. */
export const UAS_OPTION_CASES: readonly Case[] = [
  {
    name: 'createUAS calls back, and takes a body that is a promise',
    run: async (stage) => {
      const { callback, promise } = called<Dlg>()
      const body = (): Promise<string> => Promise.resolve(HOLD)
      const { ok, phone } = await incoming(stage, (srf, req, res) => {
        createUas(srf)(req, res, { body }, callback)
      })
      assert.equal(ok.body, HOLD)
      await hangUp(await promise, phone)
    },
  },
  {
    name: 'a Contact and a To tag of the application are kept',
    run: async (stage) => {
      const { callback, promise } = called<Dlg>()
      const { ok, phone } = await incoming(stage, (srf, req, res) => {
        const headers = { Contact: '<sip:me@localhost>', To: '<sip:x@y.example>;tag=own' }
        createUas(srf)(req, res, { localSdp: SDP, headers }, callback)
      })
      const { host, port } = stage.subject.sip
      assert.match(valueOf(ok, 'contact'), new RegExp(`<sip:me@${host}:${port}>`))
      await hangUp(await promise, phone)
    },
  },
  {
    name: 'findDialogByCallIDAndFromTag finds the dialog of a caller',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const { callback, promise } = called<Dlg>()
      const { srf } = await stage.application({
        invite: (req, res) => createUas(srf)(req, res, { localSdp: SDP }, callback),
      })
      phone.sendRaw(call.invite())
      const ok = await phone.expect('200 INVITE')
      phone.sendRaw(call.ack(ok))
      const dialog = await promise
      const find = srf as unknown as { findDialogByCallIDAndFromTag: Loose }
      assert.equal(find.findDialogByCallIDAndFromTag(call.sipCallId, ok.fromTag), dialog)
      await hangUp(dialog, phone)
    },
  },
]

/** Where the BYE goes once the caller has sent a re-INVITE from another Contact. */
async function targetAfterReinvite(stage: Stage, expectedUser: string): Promise<void> {
  const { call, dialog, ok, phone } = await answeredCall(stage)
  const again = call.inDialog(ok, 'INVITE', 2, { body: HOLD })
  phone.sendRaw(again.replace('<sip:caller@', '<sip:moved@'))
  phone.sendRaw(call.ack(await phone.expect('200 INVITE', ok), 2))
  const over = dialog.destroy()
  const bye = await phone.expect('BYE')
  assert.match(bye.text, new RegExp(`^BYE sip:${expectedUser}@`))
  phone.answer(bye, 200)
  await over
}

/** What a dialog can be asked for beside `dialog.ts`. */
export const DIALOG_OPTION_CASES: readonly Case[] = [
  {
    name: 'modify("hold") and modify("unhold") change the direction of what we offer',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage, { localSdp: SENDRECV })
      let last: Message | undefined
      for (const [wish, direction] of [
        ['hold', 'a=inactive'],
        ['unhold', 'a=sendrecv'],
      ] as const) {
        const modified = dialog.modify(wish)
        const invite = await phone.expect('INVITE', last)
        assert.ok(invite.body.includes(direction), invite.body)
        phone.answer(invite, 200, { body: SDP })
        await phone.expect('ACK')
        await modified
        last = invite
      }
      await hangUp(dialog, phone)
    },
  },
  {
    name: 'modify without a description offers late: the ACK of the application answers',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage)
      const modify = dialog.modify.bind(dialog) as unknown as Loose
      const offered = modify({ noAck: true }) as Promise<{
        sdp: string
        ack: (sdp: string) => void
      }>
      const invite = await phone.expect('INVITE')
      assert.equal(invite.body, '')
      phone.answer(invite, 200, { body: HOLD })
      const { ack, sdp } = await offered
      assert.equal(sdp, HOLD)
      ack(SDP)
      assert.equal((await phone.expect('ACK')).body, SDP)
      await hangUp(dialog, phone)
    },
  },
  {
    name: 'modify that meets glare fails with 491, and the call goes on',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage)
      const refused = assert.rejects(dialog.modify(HOLD), { status: 491 })
      phone.answer(await phone.expect('INVITE'), 491)
      await phone.expect('ACK')
      await refused
      const response = dialog.request({ method: 'OPTIONS' })
      phone.answer(await phone.expect('OPTIONS'), 200)
      assert.equal((await response).status, 200)
      await hangUp(dialog, phone)
    },
  },
  {
    name: 'a re-INVITE of the other side while ours is under way comes to the application',
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      dialog.on('modify', (_req, res) => {
        res.send(491)
      })
      const modified = dialog.modify(HOLD)
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 100)
      phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
      const refusal = await phone.expect('491 INVITE')
      phone.sendRaw(call.ack(refusal, 2))
      phone.answer(invite, 200, { body: SDP })
      await phone.expect('ACK')
      await modified
      await hangUp(dialog, phone)
    },
  },
  {
    name: 'a second re-INVITE before the ACK of the first is refused',
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      dialog.on('modify', (_req, res) => {
        res.send(200, { body: HOLD })
      })
      phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
      const first = await phone.expect('200 INVITE', ok)
      phone.sendRaw(call.inDialog(ok, 'INVITE', 3, { body: SDP }))
      phone.sendRaw(call.ack(await phone.expect('491 INVITE'), 3))
      phone.sendRaw(call.ack(first, 2))
      await hangUp(dialog, phone)
    },
    differs: {
      why: 'drachtio-server hands it to the application (RFC 5407 §3.1.5 asks for 491)',
      run: async (stage) => {
        const { call, dialog, ok, phone } = await answeredCall(stage)
        dialog.on('modify', (_req, res) => {
          res.send(200, { body: HOLD })
        })
        phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
        const first = await phone.expect('200 INVITE', ok)
        phone.sendRaw(call.ack(first, 2))
        await hangUp(dialog, phone)
      },
    },
  },
  {
    name: 'a re-INVITE without a listener is answered with the description the other side has had',
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: HOLD }))
      const again = await phone.expect('200 INVITE', ok)
      assert.equal(again.body, SDP)
      phone.sendRaw(call.ack(again, 2))
      await hangUp(dialog, phone)
    },
  },
  {
    name: 'a caller that sends a re-INVITE from another Contact is reached there from then on',
    run: (stage) => targetAfterReinvite(stage, 'moved'),
    differs: {
      why: 'drachtio-server goes on to the first Contact (RFC 3261 §12.2.2 asks for the new one)',
      run: (stage) => targetAfterReinvite(stage, 'caller'),
    },
  },
  {
    name: 'a route without lr is a strict router: it is the Request-URI, and the Contact the last route',
    run: async (stage) => {
      const edge = await stage.phone()
      const { outcome, phone } = await placedCall(stage)
      const invite = await phone.expect('INVITE')
      const headers = [`Record-Route: <sip:strict@127.0.0.1:${edge.port}>`]
      phone.answer(invite, 200, { body: SDP, headers })
      const ack = await edge.expect('ACK')
      assert.match(ack.text, /^ACK sip:strict@/)
      assert.match(valueOf(ack, 'route'), /^<sip:phone@/)
      const over = (await dialogOf(outcome)).destroy()
      edge.answer(await edge.expect('BYE'), 200)
      await over
    },
  },
  {
    name: 'requests of the application in a dialog count on, one by one',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage)
      const numbers: number[] = []
      for (const method of ['INFO', 'OPTIONS', 'MESSAGE']) {
        const response = dialog.request({ method })
        const request = await phone.expect(method)
        numbers.push(request.cseq)
        phone.answer(request, 200)
        await response
      }
      const [first = 0] = numbers
      assert.deepEqual(numbers, [first, first + 1, first + 2])
      await hangUp(dialog, phone)
    },
  },
  {
    name: 'a BYE of the application that is challenged comes again with credentials',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, {
        auth: { username: 'u', password: 'p' },
      })
      await pickUp(phone)
      const over = (await dialogOf(outcome)).destroy()
      const bye = await phone.expect('BYE')
      phone.answer(bye, 407, {
        headers: ['Proxy-Authenticate: Digest realm="local", nonce="abc", algorithm=MD5'],
      })
      const again = await phone.expect('BYE', bye)
      assert.match(valueOf(again, 'proxy-authorization'), /^Digest username="u"/)
      assert.ok(again.cseq > bye.cseq)
      phone.answer(again, 200)
      await over
    },
  },
  {
    name: 'BYEs that cross are both answered',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      const invite = await pickUp(phone)
      const over = (await dialogOf(outcome)).destroy()
      const bye = await phone.expect('BYE')
      phone.sendRaw(fromCallee(phone, invite, 'BYE', { cseq: 1 }))
      await phone.expect('200 BYE')
      phone.answer(bye, 200)
      await over
    },
  },
]
