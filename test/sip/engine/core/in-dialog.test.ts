import { beforeEach, expect, it } from 'vitest'
import { type Dlg, nextModification, type Res } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { type Caller, caller } from '../support/caller.ts'
import { type Message, type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

const NEW_SDP = SDP.replace('6000', '6002')

let world: World
let alice: Phone
let call: Caller
let dialog: Dlg
let ok: Message

beforeEach(() => talkIn({}))

/** Takes a call up to where both sides talk. */
async function talkIn(options: Parameters<typeof openWorldOfTest>[0]): Promise<void> {
  world = await openWorldOfTest(options)
  alice = await world.phone()
  call = caller(alice, world.port)
  const answered = Promise.withResolvers<Dlg>()
  const application = await world.application({
    invite: (req, res) => {
      answered.resolve(application.srf.createUAS(req, res, { localSdp: SDP }))
    },
  })
  alice.sendRaw(call.invite())
  ok = await alice.expect(200)
  alice.sendRaw(call.ack(ok))
  dialog = await answered.promise
}

it('takes whatever a call sends, however little its source may send beside calls', async () => {
  const guard = { requestsPerSecond: 0.001, burst: 1, exemptLoopback: false }
  await talkIn({ guard })
  for (let cseq = 2; cseq < 8; cseq++) {
    alice.sendRaw(call.inDialog(ok, 'OPTIONS', cseq))
    await alice.expect('200 OPTIONS')
  }
  alice.sendRaw(call.inDialog(ok, 'BYE', 8))
  await alice.expect('200 BYE')
  alice.sendRaw(call.inDialog(ok, 'BYE', 9))
  await alice.expect('503 BYE')
})

it('carries a re-INVITE of the caller, with its ACK', async () => {
  let acks = 0
  dialog.on('modify', (_req, res) => res.send(200, { body: NEW_SDP }))
  dialog.on('ack', () => acks++)
  alice.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: NEW_SDP }))
  await alice.expect('100 INVITE')
  const answer = await alice.expect('200 INVITE')
  expect(answer.body).toBe(NEW_SDP)
  expect(answer.toTag).toBe(ok.toTag)
  const before = acks
  alice.sendRaw(call.ack(answer, 2))
  await eventually(
    () => acks === before + 1,
    () => 'the application got no ACK',
  )
})

it('carries a re-INVITE of the application, with its ACK', async () => {
  const modified = dialog.modify(NEW_SDP)
  const invite = await alice.expect('INVITE')
  expect(invite.body).toBe(NEW_SDP)
  expect(invite.cseq).toBe(2)
  alice.answer(invite, 100)
  alice.answer(invite, 200, { body: SDP })
  const ack = await alice.expect('ACK')
  expect(ack.cseq).toBe(2)
  expect(await modified).toBe(SDP)
})

it('hands a refusal of a re-INVITE back and keeps the call', async () => {
  const failed = dialog.request({ method: 'INVITE', body: NEW_SDP })
  alice.answer(await alice.expect('INVITE'), 488)
  await alice.expect('ACK')
  expect((await failed).status).toBe(488)
  expect(world.stack.stats().tables['dialogs']).toBe(1)
})

it('sends later requests to the Contact of a re-INVITE (RFC 3261 §12.2.2)', async () => {
  const elsewhere = await world.phone()
  const contact = `Contact: <sip:moved@127.0.0.1:${elsewhere.port}>`
  alice.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }).replace(/Contact: [^\r]*/, contact))
  const answer = await alice.expect('200 INVITE')
  alice.sendRaw(call.ack(answer, 2))
  void dialog.destroy()
  const bye = await elsewhere.expect('BYE')
  expect(bye.text).toMatch(/^BYE sip:moved@/)
})

it.each(['INFO', 'OPTIONS', 'MESSAGE', 'NOTIFY', 'UPDATE', 'REFER'])(
  'hands %s to the application',
  async (method) => {
    const bodies: string[] = []
    dialog.on(method.toLowerCase(), (req, res) => {
      bodies.push(req.body)
      res.send(method === 'REFER' ? 202 : 200)
    })
    alice.sendRaw(call.inDialog(ok, method, 2, { body: 'v=0 signal=5' }))
    await alice.expect(`${method === 'REFER' ? 202 : 200} ${method}`)
    expect(bodies).toEqual(['v=0 signal=5'])
  },
)

it('sends an INFO of the application', async () => {
  const headers = { 'Content-Type': 'application/dtmf-relay' }
  const response = dialog.request({ method: 'INFO', headers, body: 'Signal=5\r\n' })
  const info = await alice.expect('INFO')
  expect(info.body).toBe('Signal=5\r\n')
  expect(info.text).toContain('Content-Type: application/dtmf-relay\r\n')
  alice.answer(info, 200)
  expect((await response).status).toBe(200)
})

it('answers 500 to a request that is older than the last one (RFC 3261 §12.2.2)', async () => {
  alice.sendRaw(call.inDialog(ok, 'INFO', 5))
  await alice.expect('200 INFO')
  alice.sendRaw(call.inDialog(ok, 'INFO', 4))
  await alice.expect('500 INFO')
})

it('answers 500 with Retry-After to a second re-INVITE at a time (RFC 3261 §14.2)', async () => {
  dialog.on('modify', () => undefined)
  alice.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
  await alice.expect('100 INVITE')
  alice.sendRaw(call.inDialog(ok, 'INVITE', 3, { body: SDP }))
  const refusal = await alice.expect('500 INVITE')
  expect(refusal.text).toMatch(/\r\nRetry-After: \d\r\n/)
})

it('cancels a re-INVITE and keeps the call', async () => {
  dialog.on('modify', () => undefined)
  const invite = call.inDialog(ok, 'INVITE', 2, { body: '' })
  alice.sendRaw(invite)
  await alice.expect('100 INVITE')
  alice.sendRaw(invite.replaceAll(/INVITE(?!-)/g, 'CANCEL'))
  await alice.expect('200 CANCEL')
  await alice.expect('487 INVITE')
  expect(world.stack.stats().tables['dialogs']).toBe(1)
})

it('ends a re-INVITE with the call it is in, whatever its application says later (RFC 3261 §15.1.2)', async () => {
  const asked = nextModification(dialog)
  alice.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
  const res = await asked
  alice.sendRaw(call.inDialog(ok, 'BYE', 3))
  await alice.expect('487 INVITE')
  await alice.expect('200 BYE')
  const late = Promise.withResolvers<unknown>()
  res.send(200, { body: SDP }, (error: unknown) => {
    late.resolve(error)
  })
  expect(await late.promise).toBe('Response not sent due to unknown transaction')
  await world.quiescent()
  const isCopy = (message: Message): boolean =>
    message.kind === 'response' && message.status === 487 // without an ACK it is repeated
  expect(alice.inbox.every(isCopy)).toBe(true)
  expect(world.stack.stats().counters).toMatchObject({ ackTimeouts: 0, callsHungUp: 0 })
})

it('ends a re-INVITE of the other side when its own application hangs up', async () => {
  const asked = nextModification(dialog)
  alice.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
  await asked
  void dialog.destroy()
  alice.answer(await alice.expect('BYE'), 200)
  await alice.expect('487 INVITE')
  await world.quiescent()
})

it.each(['BYE', 'INFO', 'INVITE', 'UPDATE', 'OPTIONS'])(
  'answers 481 to %s for a dialog it does not have',
  async (method) => {
    alice.sendRaw(call.inDialog(ok, method, 2).replace(/tag=[^;\r]*(?=\r\nCall-ID)/, 'tag=wrong'))
    await alice.expect(`481 ${method}`)
  },
)

it('answers 200 to a BYE that crosses its own', async () => {
  void dialog.destroy()
  await alice.expect('BYE')
  alice.sendRaw(call.inDialog(ok, 'BYE', 2))
  await alice.expect('200 BYE')
})

it('sends a BYE with credentials when the first is challenged', async () => {
  const auth = { username: 'u', password: 'p' }
  const done = dialog.destroy({ auth })
  const first = await alice.expect('BYE')
  alice.answer(first, 407, {
    headers: ['Proxy-Authenticate: Digest realm="local", nonce="abc"'],
  })
  const second = await alice.expect('BYE', first)
  expect(second.text).toContain('Proxy-Authorization: Digest')
  alice.answer(second, 200)
  await done
  await world.quiescent()
})

it('tells the application that a dialog is gone, in the words its client looks for', async () => {
  const done = dialog.destroy()
  alice.answer(await alice.expect('BYE'), 200)
  await done
  await expect(dialog.request({ method: 'INFO' })).rejects.toMatchObject({ code: 'ENODIALOG' })
})

it.each([
  { name: 'unanswered', handle: () => undefined },
  { name: 'with a provisional response', handle: (_req: unknown, res: Res) => res.send(100) },
])('answers 500 for an application that leaves a request $name', async ({ handle }) => {
  dialog.on('info', handle)
  alice.sendRaw(call.inDialog(ok, 'INFO', 2))
  await alice.expect('500 INFO')
})
