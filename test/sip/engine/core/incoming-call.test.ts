import { beforeEach, expect, it } from 'vitest'
import type { Dlg, Handler, Req, Res } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { type Caller, caller } from '../support/caller.ts'
import { type Message, type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let alice: Phone
let call: Caller

beforeEach(async () => {
  world = await openWorldOfTest()
  alice = await world.phone()
  call = caller(alice, world.port)
})

interface Answered {
  readonly dialog: () => Promise<Dlg>
  readonly destroyed: string[]
}

/** An application that answers every call. */
async function answering(prepare: (dialog: Dlg) => void = () => undefined): Promise<Answered> {
  const dialogs: Dlg[] = []
  const destroyed: string[] = []
  const invite: Handler = (req, res) => {
    void application.srf.createUAS(req, res, { localSdp: SDP }).then((dialog) => {
      dialog.on('destroy', (_message: Req, reason: string) => destroyed.push(reason))
      prepare(dialog)
      dialogs.push(dialog)
    })
  }
  const application = await world.application({ invite })
  return {
    dialog: async () =>
      eventually(
        () => dialogs[0],
        () => 'no dialog',
      ),
    destroyed,
  }
}

async function answered(): Promise<Message> {
  alice.sendRaw(call.invite())
  return alice.expect(200)
}

it('answers for an application that accepts', async () => {
  await answering()
  const ok = await answered()
  expect(ok.body).toBe(SDP)
  expect(ok.text).toContain(`Contact: <sip:127.0.0.1:${world.port}>`)
})

it('keeps one To tag from the first 18x on (RFC 3261 §12.1.1)', async () => {
  const invite: Handler = (req, res) => {
    res.send(180)
    res.send(183)
    void application.srf.createUAS(req, res, { localSdp: SDP })
  }
  const application = await world.application({ invite })
  alice.sendRaw(call.invite())
  const tags = [
    (await alice.expect(180)).toTag,
    (await alice.expect(183)).toTag,
    (await alice.expect(200)).toTag,
  ]
  expect(tags[0]).toMatch(/./)
  expect(tags).toEqual([tags[0], tags[0], tags[0]])
})

it('lets the application choose the To tag', async () => {
  await world.application({
    invite: (_req, res) => {
      res.send(486, { headers: { To: 'x;tag=chosen' } })
    },
  })
  alice.sendRaw(call.invite())
  expect((await alice.expect(486)).toTag).toBe('chosen')
})

it('repeats the 200 until the ACK arrives (RFC 3261 §13.3.1.4)', async () => {
  const { destroyed } = await answering()
  const ok = await answered()
  expect((await alice.expect(200)).text).toBe(ok.text)
  expect((await alice.expect(200)).text).toBe(ok.text)
  alice.sendRaw(call.ack(ok))
  alice.sendRaw(call.inDialog(ok, 'BYE', 2))
  await alice.expect('200 BYE')
  await world.quiescent()
  expect(destroyed).toEqual(['normal release'])
})

it('takes an ACK in the branch of its INVITE for the ACK of the 200 that it is', async () => {
  await answering()
  const ok = await answered()
  alice.sendRaw(call.ack(ok).replace('-ack-1', '-invite'))
  await eventually(
    () => world.stack.stats().tables['serverRequests'] === 0,
    () => 'the ACK is not taken',
  )
  expect(world.stack.stats().counters['ackTimeouts']).toBe(0)
})

it('does not take the ACK of another request for that of the 200', async () => {
  await answering()
  const ok = await answered()
  alice.sendRaw(call.ack(ok, 9))
  await eventually(
    () => world.stack.stats().counters['messagesDropped'] === 1,
    () => 'the ACK is not dropped',
  )
  expect(world.stack.stats().tables['serverRequests']).toBe(1)
})

it('hangs up and tells the application when no ACK comes', async () => {
  const { destroyed } = await answering()
  await answered()
  const bye = await alice.expect('BYE')
  expect(bye.text).toContain('Reason: SIP;cause=200;text="ACK timeout"')
  alice.answer(bye, 200)
  await world.quiescent()
  expect(destroyed).toEqual(['ACK timeout'])
})

it('holds the BYE of the application back until the 200 is acknowledged (RFC 3261 §15)', async () => {
  let acks = 0
  await answering((dialog) => {
    dialog.on('ack', () => acks++)
    void dialog.destroy()
  })
  const ok = await answered()
  await eventually(
    () => alice.inbox.length >= 3,
    () => 'the 200 is not repeated',
  )
  expect(alice.inbox.some((message) => message.kind === 'request')).toBe(false)
  alice.sendRaw(call.ack(ok))
  alice.answer(await alice.expect('BYE'), 200)
  await world.quiescent()
  expect(acks).toBe(0) // it has hung up: an ACK is no news to it
})

it('absorbs retransmissions of the INVITE, answering with what was said last', async () => {
  let calls = 0
  await world.application({
    invite: (_req, res) => {
      calls++
      res.send(180)
    },
  })
  alice.sendRaw(call.invite())
  await alice.expect(180)
  alice.sendRaw(call.invite())
  await alice.expect(180)
  expect(calls).toBe(1)
})

it('repeats a refusal until its ACK, then keeps quiet', async () => {
  await world.application({ invite: (_req, res) => res.send(404) })
  alice.sendRaw(call.invite())
  await alice.expect(404)
  const again = await alice.expect(404)
  alice.sendRaw(call.ack(again).replace('-ack-1', '-invite'))
  await world.quiescent()
})

it('answers a CANCEL after the 200 with 481 and hangs up, as drachtio-server does', async () => {
  const { destroyed } = await answering()
  await answered()
  alice.sendRaw(call.cancel())
  await alice.expect('481 CANCEL')
  alice.answer(await alice.expect('BYE'), 200)
  await world.quiescent()
  expect(destroyed).toEqual(['CANCEL after 200 OK'])
})

it('answers 481 to a CANCEL of nothing', async () => {
  alice.sendRaw(call.cancel())
  await alice.expect('481 CANCEL')
})

it('takes a BYE before the answer for the CANCEL it should be', async () => {
  let cancelled = 0
  await world.application({
    invite: (req, res) => {
      req.on('cancel', () => cancelled++)
      res.send(180)
    },
  })
  alice.sendRaw(call.invite())
  const ringing = await alice.expect(180)
  alice.sendRaw(call.inDialog(ringing, 'BYE', 2))
  await alice.expect('200 BYE')
  await alice.expect('487 INVITE')
  await eventually(
    () => cancelled === 1,
    () => `cancelled ${cancelled} times`,
  )
  await world.quiescent()
})

it('answers 482 to a copy of an INVITE that came another way (RFC 3261 §8.2.2.2)', async () => {
  await world.application({ invite: (_req, res) => res.send(180) })
  alice.sendRaw(call.invite())
  await alice.expect(180)
  alice.sendRaw(call.invite().replace('-invite', '-other-way'))
  await alice.expect(482)
})

it('repeats its refusal to a copy that comes later, for 64·T1, and asks nobody', async () => {
  let asked = 0
  await world.application({
    invite: (_req, res) => {
      asked++
      res.send(404, 'No Such Number', { headers: { Reason: 'Q.850;cause=1' } })
    },
  })
  alice.sendRaw(call.invite())
  const refused = await alice.expect(404)
  alice.sendRaw(call.ack(refused))
  alice.sendRaw(call.invite().replace('-invite', '-later'))
  const again = await alice.expect(404, refused)
  expect(again.text).toBe(refused.text.replace('-invite', '-later'))
  expect(asked).toBe(1)
  await world.quiescent()
  alice.inbox.splice(0)
  alice.sendRaw(call.invite().replace('-invite', '-much-later'))
  await alice.expect(404)
  expect(asked).toBe(2)
})

it('asks the application again after a 503, which calls for another attempt', async () => {
  const answers = [503, 486]
  await world.application({ invite: (_req, res) => res.send(answers.shift() ?? 500) })
  alice.sendRaw(call.invite())
  alice.sendRaw(call.ack(await alice.expect(503)))
  alice.sendRaw(call.invite().replace('-invite', '-later'))
  await alice.expect(486)
})

it('asks the application again after a refusal that says when to come back', async () => {
  const answers = [{ status: 486, headers: { 'Retry-After': '1' } }, { status: 404 }]
  await world.application({
    invite: (_req, res) => {
      const { status, headers = {} } = answers.shift() ?? { status: 500 }
      res.send(status, { headers })
    },
  })
  alice.sendRaw(call.invite())
  alice.sendRaw(call.ack(await alice.expect(486)))
  alice.sendRaw(call.invite().replace('-invite', '-later'))
  await alice.expect(404)
})

it('answers 491 to a second call inside the first', async () => {
  await answering()
  alice.sendRaw(call.ack(await answered()))
  alice.sendRaw(call.invite().replace('CSeq: 1', 'CSeq: 2').replace('-invite', '-second'))
  await alice.expect(491)
})

it('answers 480 for an application that says nothing, and tells it', async () => {
  world = await openWorldOfTest({ applicationPatienceMs: 100 })
  alice = await world.phone()
  call = caller(alice, world.port)
  let cancelled = 0
  await world.application({
    invite: (req) => {
      req.on('cancel', () => cancelled++)
    },
  })
  alice.sendRaw(call.invite())
  await alice.expect(480)
  await eventually(
    () => cancelled === 1,
    () => `cancelled ${cancelled} times`,
  )
  await world.quiescent()
})

it('refuses a second final response', async () => {
  const results: unknown[] = []
  await world.application({
    options: (req, res) => {
      res.send(200)
      const again = Object.assign(Object.create(Object.getPrototypeOf(res) as object), res, {
        finished: false,
      }) as Res
      again.send(500, {}, (error: unknown) => results.push(error))
      void req
    },
  })
  alice.sendRaw(call.invite().replaceAll('INVITE', 'OPTIONS'))
  await alice.expect('200 OPTIONS')
  await eventually(
    () => results.length === 1,
    () => 'no answer',
  )
  expect(results).toEqual(['Response not sent due to unknown transaction'])
})

it('copies Record-Route into the answer and follows it in its own requests', async () => {
  const { dialog } = await answering()
  const route = `<sip:127.0.0.1:${alice.port};lr>`
  alice.sendRaw(call.invite({ headers: [`Record-Route: ${route}, <sip:far.example;lr>`] }))
  const ok = await alice.expect(200)
  expect(ok.text).toContain(`Record-Route: ${route}, <sip:far.example;lr>\r\n`)
  alice.sendRaw(call.ack(ok))
  void (await dialog()).destroy()
  const bye = await alice.expect('BYE')
  expect(bye.text).toMatch(/^BYE sip:caller@127\.0\.0\.1:\d+ SIP\/2\.0\r\n/)
  expect(bye.text).toContain(`Route: ${route}\r\nRoute: <sip:far.example;lr>\r\n`)
})
