import assert from 'node:assert/strict'
import { nextModification, type Req, type Res } from '../../sip/engine/support/application.ts'
import { type Message, type Phone, SDP } from '../../sip/engine/support/phone.ts'
import { hangUp } from '../library.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'
import { answeredCall } from './incoming.ts'
import { dialogOf, placedCall } from './outgoing.ts'

/** A Contact of a transport that the server does not speak. */
const ELSEWHERE = '<sip:phone@192.0.2.1;transport=ws>'

const hidden = (invite: string): string =>
  invite.replace(/Contact: [^\r]*/, `Contact: ${ELSEWHERE}`)

const RELIABLE = ['Require: 100rel', 'RSeq: 7']

/** A BYE while the re-INVITE before it waits for the application; gives that request's response. */
async function hangUpWhileAsked(
  stage: Stage,
): Promise<{ readonly phone: Phone; readonly res: Res }> {
  const { call, dialog, ok, phone } = await answeredCall(stage)
  const asked = nextModification(dialog)
  phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
  const res = await asked
  phone.sendRaw(call.inDialog(ok, 'BYE', 3))
  return { phone, res }
}

/** Rings reliably as one fork and takes the PRACK. */
async function ringAs(phone: Phone, invite: Message, tag: string, known?: Message) {
  phone.answer(invite, 183, { tag, body: SDP, headers: RELIABLE })
  const prack = await phone.expect('PRACK', known)
  phone.answer(prack, 200)
  return prack
}

/** A call that has rung reliably, as its first fork, and what takes it back. */
async function ringingCall(stage: Stage) {
  const sent = Promise.withResolvers<Req>()
  const cbRequest = (_error: unknown, request: Req): void => {
    sent.resolve(request)
  }
  const options = { headers: { Supported: '100rel' } }
  const { outcome, phone } = await placedCall(stage, options, { cbRequest })
  const invite = await phone.expect('INVITE')
  const prack = await ringAs(phone, invite, 'first')
  return { invite, outcome, phone, prack, request: await sent.promise }
}

/** A call that the application cancels when it has rung reliably; the phone takes the CANCEL, and rings on. */
async function cancelledInVain(stage: Stage) {
  const { request, ...call } = await ringingCall(stage)
  request.cancel()
  call.phone.answer(await call.phone.expect('CANCEL'), 200)
  return call
}

type Placed = Pick<Awaited<ReturnType<typeof placedCall>>, 'outcome' | 'phone'>

const statusOf = async ({ outcome }: Placed): Promise<number | undefined> =>
  ((await outcome).error as { readonly status?: number } | undefined)?.status

/** The first fork answers, and the application hangs up; gives the BYE. */
async function talkAsFirst({ outcome, phone }: Placed, invite: Message): Promise<Message> {
  phone.answer(invite, 200, { body: SDP, tag: 'first' })
  await phone.expect('ACK')
  return hangUp(await dialogOf(outcome), phone)
}

/** The phone answers and gets ACK and BYE; gives the BYE. */
async function answerInVain(phone: Phone, invite: Message): Promise<Message> {
  phone.answer(invite, 200, { body: SDP, tag: 'first' })
  assert.equal((await phone.expect('ACK')).cseq, invite.cseq)
  const bye = await phone.expect('BYE')
  phone.answer(bye, 200)
  return bye
}

/** What comes about where one side is forked, hidden, silent or too quick. */
export const EDGE_CASES: readonly Case[] = [
  {
    name: 'a caller whose Contact leads nowhere gets the BYE where its INVITE came from',
    run: async (stage) => {
      const { dialog, phone } = await answeredCall(stage, {}, hidden)
      await hangUp(dialog, phone)
    },
    differs: {
      why: 'drachtio-server tells the application that the BYE was sent, and the caller stays on the line',
      run: async (stage) => {
        const { dialog, phone } = await answeredCall(stage, {}, hidden)
        await dialog.destroy()
        assert.deepEqual(phone.inbox, [])
      },
    },
  },
  {
    name: 'a phone whose Contact leads nowhere gets ACK and BYE where its answer came from',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: ELSEWHERE })
      await phone.expect('ACK')
      await hangUp(await dialogOf(outcome), phone)
    },
    differs: {
      why: 'drachtio-server sends neither and says it has: the phone repeats its answer and gives up',
      run: async (stage) => {
        const { outcome, phone } = await placedCall(stage)
        phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: ELSEWHERE })
        await (await dialogOf(outcome)).destroy()
        assert.deepEqual(phone.inbox, [])
      },
    },
  },
  {
    name: 'no number is used twice where two forks ring reliably and the first answers',
    run: async (stage) => {
      const { invite, prack: first, ...call } = await ringingCall(stage)
      const second = await ringAs(call.phone, invite, 'second', first)
      const bye = await talkAsFirst(call, invite)
      assert.equal(bye.toTag, 'first')
      assert.deepEqual(
        [first, second, bye].map(({ cseq }) => cseq - invite.cseq),
        [1, 2, 3],
      )
    },
    differs: {
      why: 'drachtio-server does not hand the second fork over, which is never acknowledged',
      run: async (stage) => {
        const { invite, ...call } = await ringingCall(stage)
        call.phone.answer(invite, 183, { tag: 'second', body: SDP, headers: RELIABLE })
        const bye = await talkAsFirst(call, invite)
        assert.equal(bye.cseq - invite.cseq, 2)
      },
    },
  },
  {
    name: 'a CANCEL that a phone ignores that has rung reliably ends the call with 487',
    run: async (stage) => {
      assert.equal(await statusOf(await cancelledInVain(stage)), 487)
    },
    differs: {
      why: 'drachtio-server waits for the phone',
      run: async (stage) => {
        const call = await cancelledInVain(stage)
        call.phone.answer(call.invite, 486)
        assert.equal(await statusOf(call), 486)
      },
    },
  },
  {
    name: 'a phone that answers when its call was given up after a CANCEL gets ACK and BYE',
    run: async (stage) => {
      const call = await cancelledInVain(stage)
      assert.equal(await statusOf(call), 487)
      const bye = await answerInVain(call.phone, call.invite)
      assert.equal(bye.cseq, call.prack.cseq + 1)
    },
    differs: {
      why: 'drachtio-server never gives it up: the application hears of the answer, and that it is hung up',
      run: async (stage) => {
        const { invite, outcome, phone, prack } = await cancelledInVain(stage)
        const bye = await answerInVain(phone, invite)
        assert.equal(bye.cseq, prack.cseq + 1)
        assert.ok((await outcome).dialog)
      },
    },
  },
  {
    name: 'a phone that answers when its call was given up after silence gets ACK and BYE',
    run: async (stage) => {
      const call = await placedCall(stage)
      const invite = await call.phone.expect('INVITE')
      assert.equal(await statusOf(call), 408)
      await answerInVain(call.phone, invite)
    },
    differs: {
      why: 'drachtio-server does not hear it: the phone repeats its answer and gives up',
      run: async (stage) => {
        const call = await placedCall(stage)
        const invite = await call.phone.expect('INVITE')
        assert.equal(await statusOf(call), 408)
        call.phone.inbox.splice(0)
        call.phone.answer(invite, 200, { body: SDP })
        // Whatever it does about the answer, it does before it hears of the next call.
        void call.srf.createUAC(call.uri, { localSdp: SDP }).catch(() => undefined)
        const next = await call.phone.expect('INVITE')
        call.phone.answer(next, 486)
        assert.equal((await call.phone.expect('ACK')).sipCallId, next.sipCallId)
      },
    },
  },
  {
    name: 'a re-INVITE that its own BYE overtakes gets 487, whatever the application says later',
    run: async (stage) => {
      const { phone, res } = await hangUpWhileAsked(stage)
      await phone.expect('487 INVITE')
      await phone.expect('200 BYE')
      const late = Promise.withResolvers<unknown>()
      res.send(200, { body: SDP }, (error: unknown) => {
        late.resolve(error)
      })
      assert.equal(await late.promise, 'Response not sent due to unknown transaction')
    },
    differs: {
      why: 'drachtio-server answers it 500',
      run: async (stage) => {
        const { phone } = await hangUpWhileAsked(stage)
        await phone.expect('500 INVITE')
        await phone.expect('200 BYE')
      },
    },
  },
]
