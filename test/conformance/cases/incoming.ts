import assert from 'node:assert/strict'
import type { Dlg, Req } from '../../sip/engine/support/application.ts'
import { eventually } from '../../sip/engine/support/eventually.ts'
import { SDP, valueOf } from '../../sip/engine/support/phone.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'

/**
 * A call that an application answers, before the ACK: its phone, its lines, the 200 and the dialog that there will be.
 * Its INVITE goes out as `change` makes it.
 */
async function answeredOnly(
  stage: Stage,
  options: object = {},
  change: (invite: string) => string = (invite) => invite,
) {
  const phone = await stage.phone()
  const call = stage.callFrom(phone)
  const answered = Promise.withResolvers<Dlg>()
  const { srf } = await stage.application({
    invite: (req, res) => {
      srf.createUAS(req, res, { localSdp: SDP, ...options }).then(answered.resolve, answered.reject)
    },
  })
  phone.sendRaw(change(call.invite()))
  return { phone, call, ok: await phone.expect('200 INVITE'), answered: answered.promise }
}

/** A call that an application answers: its phone, its lines, the 200 and the dialog. */
export async function answeredCall(...wanted: Parameters<typeof answeredOnly>) {
  const { answered, call, ok, phone } = await answeredOnly(...wanted)
  phone.sendRaw(call.ack(ok))
  return { phone, call, ok, dialog: await answered }
}

/** Waits until a dialog of the application has ended; gives the reason. */
function ended(dialog: Dlg): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  dialog.on('destroy', (_, reason) => {
    resolve(reason)
  })
  return promise
}

const OUTSIDE_DIALOGS = ['OPTIONS', 'MESSAGE', 'REGISTER', 'SUBSCRIBE', 'PUBLISH', 'INFO', 'NOTIFY']

/** Calls that come in, and what an application answers. */
export const INCOMING_CASES: readonly Case[] = [
  {
    name: '100 comes before the application has said anything',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const asked = Promise.withResolvers<() => void>()
      await stage.application({
        invite: (_req, res) => {
          asked.resolve(() => {
            res.send(486)
          })
        },
      })
      phone.sendRaw(call.invite())
      const trying = await phone.expect(100)
      assert.equal(trying.toTag, undefined)
      ;(await asked.promise)()
      phone.sendRaw(call.ack(await phone.expect(486)))
    },
  },
  {
    name: 'createUAS answers with a Contact and one To tag for 180 and 200',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const { srf } = await stage.application({
        invite: (req, res) => {
          res.send(180)
          void srf.createUAS(req, res, { localSdp: SDP, headers: { 'X-Own': '1' } })
        },
      })
      phone.sendRaw(call.invite())
      const ringing = await phone.expect(180)
      const ok = await phone.expect('200 INVITE')
      assert.equal(ringing.toTag, ok.toTag)
      assert.ok(ok.toTag)
      const { host, port } = stage.subject.sip
      assert.equal(valueOf(ok, 'contact'), `<sip:${host}:${port}>`)
      assert.equal(valueOf(ok, 'content-type'), 'application/sdp')
      assert.equal(valueOf(ok, 'x-own'), '1')
      assert.equal(ok.body, SDP)
      phone.sendRaw(call.ack(ok))
      phone.sendRaw(call.inDialog(ok, 'BYE', 2))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'the BYE of the caller is answered and ends the dialog',
    run: async (stage) => {
      const { call, dialog, ok, phone } = await answeredCall(stage)
      const over = ended(dialog)
      phone.sendRaw(call.inDialog(ok, 'BYE', 2))
      await phone.expect('200 BYE')
      await over
      assert.equal(dialog.connected, false)
      phone.sendRaw(call.inDialog(ok, 'BYE', 3))
      await phone.expect('481 BYE')
    },
  },
  {
    name: 'destroy sends a BYE with the headers of the application',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage)
      const over = dialog.destroy({ headers: { Reason: 'Q.850;cause=16' } })
      const bye = await phone.expect('BYE')
      assert.equal(valueOf(bye, 'reason'), 'Q.850;cause=16')
      phone.answer(bye, 200)
      await over
    },
  },
  {
    name: 'a refusal goes out with its reason and is repeated for a repeated INVITE',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      let asked = 0
      await stage.application({
        invite: (_req, res) => {
          asked++
          res.send(486, 'Busy Today', { headers: { Reason: 'Q.850;cause=17' } })
        },
      })
      phone.sendRaw(call.invite())
      const busy = await phone.expect(486)
      assert.match(busy.text, /^SIP\/2\.0 486 Busy Today\r\n/)
      assert.equal(valueOf(busy, 'reason'), 'Q.850;cause=17')
      phone.sendRaw(call.invite())
      assert.equal((await phone.expect(486)).text, busy.text)
      phone.sendRaw(call.ack(busy))
      assert.equal(asked, 1)
    },
  },
  {
    name: 'a CANCEL before any answer gets 200, its INVITE 487, and is told to the application',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const asked = Promise.withResolvers<void>()
      const cancelled = Promise.withResolvers<void>()
      await stage.application({
        invite: (req) => {
          req.on('cancel', () => {
            cancelled.resolve()
          })
          asked.resolve()
        },
      })
      phone.sendRaw(call.invite())
      await asked.promise
      phone.sendRaw(call.cancel())
      await phone.expect('200 CANCEL')
      phone.sendRaw(call.ack(await phone.expect('487 INVITE')))
      await cancelled.promise
    },
  },
  {
    name: 'a CANCEL while it rings does so too, and a late answer is refused',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      const outcome = Promise.withResolvers<string>()
      const { srf } = await stage.application({
        invite: (req, res) => {
          res.send(180)
          req.on('cancel', () => {
            void srf.createUAS(req, res, { localSdp: SDP }).then(
              () => {
                outcome.resolve('answered')
              },
              () => {
                outcome.resolve('refused')
              },
            )
          })
        },
      })
      phone.sendRaw(call.invite())
      const ringing = await phone.expect(180)
      phone.sendRaw(call.cancel())
      await phone.expect('200 CANCEL')
      const terminated = await phone.expect('487 INVITE')
      assert.equal(terminated.toTag, ringing.toTag)
      phone.sendRaw(call.ack(terminated))
      assert.equal(await outcome.promise, 'refused')
    },
  },
  {
    name: 'a CANCEL after the 200 gets 481, and the call a BYE that is told to the application',
    run: async (stage) => {
      const { answered, call, ok, phone } = await answeredOnly(stage)
      const over = ended(await answered)
      phone.sendRaw(call.cancel())
      await phone.expect('481 CANCEL')
      phone.sendRaw(call.ack(ok))
      const bye = await phone.expect('BYE')
      assert.match(valueOf(bye, 'reason'), /CANCEL after 200 OK/)
      phone.answer(bye, 200)
      assert.match(await over, /CANCEL after 200 OK/)
    },
    differs: {
      why: 'drachtio-server leaves the call up that its caller does not want',
      run: async (stage) => {
        const phone = await stage.phone()
        const call = stage.callFrom(phone)
        const { srf } = await stage.application({
          invite: (req, res) => void srf.createUAS(req, res, { localSdp: SDP }),
        })
        phone.sendRaw(call.invite())
        const ok = await phone.expect('200 INVITE')
        phone.sendRaw(call.cancel())
        await phone.expect('481 CANCEL')
        phone.sendRaw(call.ack(ok))
        phone.sendRaw(call.inDialog(ok, 'BYE', 2))
        await phone.expect('200 BYE')
      },
    },
  },
  {
    name: 'a 200 is repeated until its ACK, and hung up when that never comes',
    run: async (stage) => {
      const { answered, ok, phone } = await answeredOnly(stage)
      const over = ended(await answered)
      assert.equal((await phone.expect('200 INVITE')).text, ok.text)
      assert.equal((await phone.expect('200 INVITE')).text, ok.text)
      const bye = await stage.expectLate(phone, 'BYE')
      assert.match(valueOf(bye, 'reason'), /ACK timeout/)
      phone.answer(bye, 200)
      assert.match(await over, /ACK timeout/)
    },
  },
  {
    name: 'a reliable 183 is repeated until its PRACK, which the application hears',
    run: async (stage) => {
      const phone = await stage.phone()
      const heard = Promise.withResolvers<string>()
      const call = stage.callFrom(phone)
      const { srf } = await stage.application({
        invite: (req, res) => {
          const answer = (prack: Req) => {
            heard.resolve(prack.get('RAck') ?? '')
            srf.createUAS(req, res, { localSdp: SDP }).catch(() => undefined)
          }
          res.send(183, { headers: { Require: '100rel' }, body: SDP }, undefined, answer)
        },
      })
      phone.sendRaw(call.invite({ headers: ['Supported: 100rel'] }))
      const progress = await phone.expect(183)
      assert.match(valueOf(progress, 'require'), /100rel/)
      assert.equal((await phone.expect(183)).text, progress.text)
      const rack = `${valueOf(progress, 'rseq')} 1 INVITE`
      phone.sendRaw(call.inDialog(progress, 'PRACK', 2, { headers: [`RAck: ${rack}`] }))
      await phone.expect('200 PRACK')
      assert.equal(await heard.promise, rack)
      const ok = await phone.expect('200 INVITE')
      phone.sendRaw(call.ack(ok))
      phone.sendRaw(call.inDialog(ok, 'BYE', 3))
      await phone.expect('200 BYE')
    },
  },
  {
    name: 'a reliable response for a caller that cannot do it is refused in these words',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('route|invite')
      const call = stage.callFrom(phone)
      phone.sendRaw(call.invite())
      const txn = (await frames.delivered('INVITE ')).words[8] ?? ''
      const text = 'SIP/2.0 183 Progress\r\nRequire: 100rel\r\n\r\n'
      const { words } = await frames.ask(`sip|${txn}|`, text)
      assert.deepEqual(words, ['NOK', 'Remote endpoint does not support 100rel'])
      await frames.ask(`sip|${txn}|`, 'SIP/2.0 486 Busy Here\r\n\r\n')
      phone.sendRaw(call.ack(await phone.expect(486)))
    },
  },
  ...OUTSIDE_DIALOGS.map((method): Case => ({
    name: `${method} outside dialogs is answered by the application`,
    run: async (stage) => {
      const phone = await stage.phone()
      const handler = { [method.toLowerCase()]: accept }
      await stage.application(handler)
      const extra = method === 'SUBSCRIBE' || method === 'NOTIFY' ? ['Event: presence'] : []
      const text = stage.callFrom(phone).invite({ headers: [...extra, 'Expires: 60'], body: '' })
      phone.sendRaw(text.replaceAll('INVITE', method))
      assert.equal(valueOf(await phone.expect(`202 ${method}`), 'x-own'), '1')
    },
  })),
  {
    name: 'bytes of names and bodies that are not ASCII arrive unharmed',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('route|invite')
      const body = Buffer.from(SDP.replace('s=-', 's=Größe')).toString('latin1')
      const call = stage.callFrom(phone)
      phone.sendRaw(call.invite({ body }))
      const { text, words } = await frames.delivered('INVITE ')
      assert.ok(Buffer.from(text, 'latin1').toString().includes('"Cällér"'))
      assert.ok(text.endsWith(body))
      await frames.ask(`sip|${words[8]}|`, 'SIP/2.0 486 Busy Here\r\n\r\n')
      phone.sendRaw(call.ack(await phone.expect(486)))
    },
  },
  {
    name: 'a caller whose application goes away hears 503',
    run: async (stage) => {
      const phone = await stage.phone()
      const asked = Promise.withResolvers<void>()
      const { kill } = await stage.application({
        invite: () => {
          asked.resolve()
        },
      })
      phone.sendRaw(stage.callFrom(phone).invite())
      await asked.promise
      kill()
      assert.ok(valueOf(await phone.expect(503), 'retry-after'))
    },
    differs: {
      why: 'drachtio-server leaves the caller with 100 for ever',
      run: async (stage) => {
        const phone = await stage.phone()
        const asked = Promise.withResolvers<void>()
        const { kill } = await stage.application({
          invite: () => {
            asked.resolve()
          },
        })
        const call = stage.callFrom(phone)
        phone.sendRaw(call.invite())
        await phone.expect(100)
        await asked.promise
        kill()
        phone.sendRaw(call.cancel())
        await eventually(
          () => phone.inbox.some((message) => message.kind === 'response'),
          () => 'nothing at all',
        )
      },
    },
  },
]

function accept(_req: unknown, res: { send: (status: number, options: object) => void }): void {
  res.send(202, { headers: { 'X-Own': '1' } })
}
