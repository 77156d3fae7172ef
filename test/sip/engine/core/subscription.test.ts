import { beforeEach, expect, it } from 'vitest'
import type { Dlg, SrfApplication } from '../support/application.ts'
import { type Caller, caller } from '../support/caller.ts'
import { eventually } from '../support/eventually.ts'
import { type Message, type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let alice: Phone
let call: Caller
let application: SrfApplication
let subscription: PromiseWithResolvers<Dlg>

beforeEach(async () => {
  world = await openWorldOfTest()
  alice = await world.phone()
  call = caller(alice, world.port)
  subscription = Promise.withResolvers()
  application = await world.application({
    subscribe: (req, res) => {
      const headers = { Expires: req.get('Expires') }
      application.srf
        .createUAS(req, res, { headers })
        .then(subscription.resolve, subscription.reject)
    },
  })
})

/** Subscribes for so many seconds. */
async function subscribe(seconds: number): Promise<Message> {
  const headers = ['Event: presence', `Expires: ${seconds}`]
  alice.sendRaw(call.invite({ headers, body: '' }).replaceAll('INVITE', 'SUBSCRIBE'))
  return alice.expect('202 SUBSCRIBE')
}

const NOTIFY = { method: 'NOTIFY', headers: { Event: 'presence', 'Subscription-State': 'active' } }

const dialogs = (): number | undefined => world.stack.stats().tables['dialogs']

it('keeps the dialog of a subscription for its time and 64·T1, and no longer (RFC 6665 §4.4.1)', async () => {
  await subscribe(0)
  const response = (await subscription.promise).request(NOTIFY)
  alice.answer(await alice.expect('NOTIFY'), 200)
  expect((await response).status).toBe(200)
  expect(dialogs()).toBe(1)
  await world.quiescent()
})

it('ends it when the subscriber says that it has none (RFC 6665 §4.2.2)', async () => {
  await subscribe(3_600)
  const response = (await subscription.promise).request(NOTIFY)
  alice.answer(await alice.expect('NOTIFY'), 481)
  expect((await response).status).toBe(481)
  await world.quiescent()
})

it('keeps it for as long as a later SUBSCRIBE says', async () => {
  const accepted = await subscribe(0)
  ;(await subscription.promise).on('subscribe', (_req, res) => {
    res.send(200, { headers: { Expires: '3600' } })
  })
  const contact = `Contact: <sip:alice@127.0.0.1:${alice.port}>`
  const headers = ['Event: presence', 'Expires: 3600', contact]
  alice.sendRaw(call.inDialog(accepted, 'SUBSCRIBE', 2, { headers }))
  await alice.expect('200 SUBSCRIBE')
  // Its transaction ends 64·T1 after the answer, when the first subscription would be over too.
  await eventually(
    () => world.stack.stats().tables['serverTransactions'] === 0,
    () => 'the transaction does not end',
  )
  expect(dialogs()).toBe(1)
})

it('keeps one of two that were asked for under one Call-ID and tag', async () => {
  await subscribe(3_600)
  const headers = ['Event: presence', 'Expires: 0']
  const again = call.invite({ headers, body: '' }).replaceAll('INVITE', 'SUBSCRIBE')
  alice.sendRaw(again.replace('CSeq: 1', 'CSeq: 2').replace('-invite', '-again'))
  await alice.expect('202 SUBSCRIBE')
  expect(dialogs()).toBe(1)
  await world.quiescent()
})

it('does not keep up one that has ended before its SUBSCRIBE is answered', async () => {
  const accepted = await subscribe(3_600)
  const dialog = await subscription.promise
  const asked = Promise.withResolvers<() => void>()
  dialog.on('subscribe', (_req, res) => {
    asked.resolve(() => {
      res.send(200, { headers: { Expires: '3600' } })
    })
  })
  const contact = `Contact: <sip:alice@127.0.0.1:${alice.port}>`
  alice.sendRaw(call.inDialog(accepted, 'SUBSCRIBE', 2, { headers: ['Expires: 60', contact] }))
  const answer = await asked.promise
  const response = dialog.request(NOTIFY)
  alice.answer(await alice.expect('NOTIFY'), 481)
  await response
  answer()
  await alice.expect('200 SUBSCRIBE')
  await world.quiescent()
})

it('refuses one under the Call-ID and tag of a call, which goes on', async () => {
  const taken = Promise.withResolvers<Dlg>()
  const { srf } = await world.application({
    invite: (req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(taken.resolve, taken.reject)
    },
  })
  alice.sendRaw(call.invite())
  const ok = await alice.expect('200 INVITE')
  alice.sendRaw(call.ack(ok))
  const headers = ['Event: presence']
  const subscribe = call.invite({ headers, body: '' }).replaceAll('INVITE', 'SUBSCRIBE')
  alice.sendRaw(subscribe.replace('-invite', '-subscribe'))
  await alice.expect('491 SUBSCRIBE')
  const over = (await taken.promise).destroy()
  const bye = await alice.expect('BYE')
  expect(bye.fromTag).toBe(ok.toTag)
  alice.answer(bye, 200)
  await over
})

it('forgets it without a BYE when its application has gone', async () => {
  await subscribe(3_600)
  await subscription.promise
  application.kill()
  await world.quiescent()
  expect(alice.inbox).toEqual([])
})
