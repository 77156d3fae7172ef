import { beforeEach, expect, it } from 'vitest'
import { openFrames } from '../../../conformance/frames.ts'
import { eventually } from '../support/eventually.ts'
import { type Caller, caller } from '../support/caller.ts'
import { type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let alice: Phone
let bob: Phone
let call: Caller

async function open(options: Parameters<typeof openWorldOfTest>[0] = {}): Promise<void> {
  world = await openWorldOfTest(options)
  alice = await world.phone()
  bob = await world.phone()
  call = caller(alice, world.port)
}

beforeEach(async () => open())

it('answers 503 with Retry-After to a caller whose application dies', async () => {
  const application = await world.application({ invite: (_req, res) => res.send(180) })
  alice.sendRaw(call.invite())
  await alice.expect(180)
  application.kill()
  expect((await alice.expect(503)).text).toContain('Retry-After: 1\r\n')
  await world.quiescent()
})

async function ringing(): Promise<{
  kill: () => void
  invite: Awaited<ReturnType<Phone['expect']>>
}> {
  const application = await world.application()
  application.srf
    .createUAC(`sip:bob@127.0.0.1:${bob.port}`, { localSdp: SDP })
    .catch(() => undefined)
  const invite = await bob.expect('INVITE')
  return { kill: application.kill, invite }
}

it('stops the phone of a dead application ringing', async () => {
  const { invite, kill } = await ringing()
  bob.answer(invite, 180)
  kill()
  bob.answer(await bob.expect('CANCEL'), 200)
  bob.answer(invite, 487)
  await bob.expect('ACK')
  await world.quiescent()
})

it('hangs up the answer that comes for a dead application', async () => {
  const { invite, kill } = await ringing()
  bob.answer(invite, 180)
  kill()
  await bob.expect('CANCEL')
  bob.answer(invite, 200, { body: SDP })
  await bob.expect('ACK')
  bob.answer(await bob.expect('BYE'), 200)
  expect(world.stack.stats().counters['callsAnsweredOut']).toBe(0)
  await world.quiescent()
})

async function liveCall(): Promise<{ kill: () => void; ok: Awaited<ReturnType<Phone['expect']>> }> {
  const application = await world.application({
    invite: (req, res) => void application.srf.createUAS(req, res, { localSdp: SDP }),
  })
  alice.sendRaw(call.invite())
  const ok = await alice.expect(200)
  alice.sendRaw(call.ack(ok))
  return { kill: application.kill, ok }
}

it('hangs up the calls of a dead application', async () => {
  const { kill } = await liveCall()
  kill()
  const bye = await alice.expect('BYE')
  expect(bye.text).toContain('Reason: SIP;cause=503;text="Application gone"')
  alice.answer(bye, 200)
  await world.quiescent()
})

it('lets the caller acknowledge the answer before it hangs up (RFC 3261 §15)', async () => {
  const application = await world.application({
    invite: (req, res) => void application.srf.createUAS(req, res, { localSdp: SDP }),
  })
  alice.sendRaw(call.invite())
  const ok = await alice.expect(200)
  application.kill()
  await eventually(
    () => world.stack.stats().counters['callsHungUp'] === 1 && alice.inbox.length >= 3,
    () => 'the call is not hung up, or its 200 not repeated',
  )
  expect(alice.inbox.some((message) => message.kind === 'request')).toBe(false)
  alice.sendRaw(call.ack(ok))
  alice.answer(await alice.expect('BYE'), 200)
  await world.quiescent()
})

it('leaves calls up for the time of grace and answers their BYE itself', async () => {
  await open({ graceMs: 60_000 })
  const records = await openFrames(world.stack.admin)
  await records.ask('authenticate|secret|')
  await records.ask('route|cdr:stop')
  const { kill, ok } = await liveCall()
  kill()
  await eventually(
    () => world.stack.stats().tables['applications'] === 1,
    () => 'the application is still there',
  )
  alice.sendRaw(call.inDialog(ok, 'INFO', 2))
  await alice.expect('481 INFO')
  alice.sendRaw(call.inDialog(ok, 'BYE', 3))
  await alice.expect('200 BYE')
  expect((await records.recorded('cdr:stop')).words).toContain('normal-release')
  expect(world.stack.stats().tables['dialogs']).toBe(0)
  records.close()
})

it('gives new calls to an application that still stands', async () => {
  const first = await world.application({ invite: (_req, res) => res.send(486) })
  await world.application({ invite: (_req, res) => res.send(603) })
  first.kill()
  const statuses: number[] = []
  for (const _ of [1, 2]) {
    alice.sendRaw(caller(alice, world.port).invite())
    const refusal = await alice.expect(603)
    if (refusal.kind === 'response') statuses.push(refusal.status)
  }
  expect(statuses).toEqual([603, 603])
})
