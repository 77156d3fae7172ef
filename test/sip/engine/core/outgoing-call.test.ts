import { beforeEach, expect, it } from 'vitest'
import type { Dlg, SrfApplication } from '../support/application.ts'
import { openFrames } from '../../../conformance/frames.ts'
import { eventually } from '../support/eventually.ts'
import { type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, SHORT_TIMERS, type World } from '../support/world.ts'

let world: World
let bob: Phone
let application: SrfApplication

beforeEach(async () => {
  world = await openWorldOfTest()
  bob = await world.phone()
  application = await world.application()
})

const target = (): string => `sip:bob@127.0.0.1:${bob.port}`

function dial(options: object = {}, callbacks: object = {}): Promise<Dlg> {
  return application.srf.createUAC(target(), { localSdp: SDP, ...options }, callbacks)
}

it('sets up a call and hangs it up', async () => {
  const dialog = dial()
  bob.answer(await bob.expect('INVITE'), 200, { body: SDP })
  await bob.expect('ACK')
  const hungUp = (await dialog).destroy()
  bob.answer(await bob.expect('BYE'), 200)
  await hungUp
  await world.quiescent()
})

it('writes its own address where an application writes localhost', async () => {
  void dial({ headers: { from: 'sip:15551234567@localhost', contact: 'sip:x@localhost' } }).catch(
    () => undefined,
  )
  const { text } = await bob.expect('INVITE')
  const here = `127.0.0.1:${world.port}`
  expect(text).toContain(`From: <sip:15551234567@${here}>;tag=`)
  expect(text).toContain(`Contact: <sip:x@${here}>\r\n`)
})

it('repeats the INVITE until something comes (timer A), and reports 408 when nothing does (timer B)', async () => {
  const failed = dial().catch((error: unknown) => error)
  const first = await bob.expect('INVITE')
  expect((await bob.expect('INVITE')).text).toBe(first.text)
  expect(await failed).toMatchObject({ status: 408 })
  await world.quiescent()
})

it('reports 503 at once when the port refuses packets', async () => {
  await bob.close()
  const begunAt = performance.now()
  const failed = await dial().catch((error: unknown) => error)
  expect(failed).toMatchObject({ status: 503 })
  expect(performance.now() - begunAt).toBeLessThan(250) // timer B would be 320 ms
  await world.quiescent()
})

it('reports 503 for a host that does not exist', async () => {
  const failed = application.srf.createUAC('sip:bob@no-such-host.invalid', { localSdp: SDP })
  await expect(failed).rejects.toMatchObject({ status: 503 })
})

it('sends an INVITE with credentials as a new one of the same call', async () => {
  const dialog = dial({ auth: { username: 'u', password: 'p' } })
  const first = await bob.expect('INVITE')
  bob.answer(first, 401, { headers: ['WWW-Authenticate: Digest realm="local", nonce="abc"'] })
  await bob.expect('ACK')
  const second = await bob.expect('INVITE', first)
  expect(second.sipCallId).toBe(first.sipCallId)
  expect(second.fromTag).toBe(first.fromTag)
  expect(second.cseq).toBe(first.cseq + 1)
  expect(second.toTag).toBeUndefined()
  expect(second.text).toContain('Authorization: Digest username="u",realm="local"')
  bob.answer(second, 200, { body: SDP })
  await bob.expect('ACK')
  await dialog
})

it('sends to the next hop that the application names', async () => {
  void application.srf
    .createUAC('sip:bob@far.example', { localSdp: SDP, proxy: target() })
    .catch(() => undefined)
  const invite = await bob.expect('INVITE')
  expect(invite.text).toMatch(/^INVITE sip:bob@far\.example SIP\/2\.0/)
  expect(invite.text).not.toContain('\r\nRoute:')
})

it('cancels a call that rings for too long (timer C)', async () => {
  world = await openWorldOfTest({ timers: { ...SHORT_TIMERS, timerCMs: 60 } })
  bob = await world.phone()
  application = await world.application()
  const failed = dial().catch((error: unknown) => error)
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  bob.answer(await bob.expect('CANCEL'), 200)
  bob.answer(invite, 487)
  expect(await failed).toMatchObject({ status: 487 })
})

it('reports 487 when a CANCEL has no effect', async () => {
  const failed = dial(
    {},
    {
      cbRequest: (_error: unknown, request: { cancel: () => void }) => {
        request.cancel()
      },
    },
  ).catch((error: unknown) => error)
  bob.answer(await bob.expect('INVITE'), 180)
  await bob.expect('CANCEL')
  expect(await failed).toMatchObject({ status: 487 })
  await world.quiescent()
})

it('hangs up the answer that crossed a CANCEL, and tells the application', async () => {
  let cancel = (): void => undefined
  const answered = dial(
    {},
    {
      cbRequest: (_error: unknown, request: { cancel: () => void }) => {
        cancel = () => request.cancel()
      },
    },
  )
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  await eventually(
    () => world.stack.stats().counters['responsesReceived'] === 1,
    () => 'the 180 was not received',
  )
  cancel()
  await bob.expect('CANCEL')
  bob.answer(invite, 200, { body: SDP })
  await bob.expect('ACK')
  const bye = await bob.expect('BYE')
  expect(bye.text).toContain('Reason: SIP;cause=200;text="ACK-BYE due to CANCEL"')
  bob.answer(bye, 200)
  expect((await answered).connected).toBe(false)
  await world.quiescent()
})

it('acknowledges and hangs up what its application does not acknowledge', async () => {
  const reasons: string[] = []
  void application.srf
    .createUAC(target(), { noAck: true })
    .then((late) => reasons.push(typeof late))
  bob.answer(await bob.expect('INVITE'), 200, { body: SDP })
  await bob.expect('ACK')
  const bye = await bob.expect('BYE')
  expect(bye.text).toContain('text="ACK missing"')
  bob.answer(bye, 200)
  expect(reasons).toEqual(['object'])
  await world.quiescent()
})

it('hangs up the answer whose ACK it cannot send', async () => {
  const frames = await openFrames(world.stack.admin)
  await frames.ask('authenticate|secret|')
  await frames.ask('sip||', `INVITE ${target()} SIP/2.0\r\nContent-Length: 0\r\n\r\n`)
  bob.answer(await bob.expect('INVITE'), 200, { body: SDP })
  const { words } = await frames.delivered('SIP/2.0 200 ')
  const ack = (body: string) =>
    frames.ask(`sip||${words[9]}`, `ACK sip:x SIP/2.0\r\nContent-Length: 4\r\n\r\n${body}`)
  expect((await ack('what')).words).toEqual(['NOK', 'missing content-type'])
  const bye = await bob.expect('BYE')
  expect(bye.text).toContain('text="ACK missing"')
  bob.answer(bye, 200)
  await world.quiescent()
  frames.close()
})

it.each([
  { name: 'without Contact', status: 200, contact: false as const },
  { name: 'with a Contact that is no SIP URI', status: 200, contact: '<tel:+15551234567>' },
  { name: 'with a Contact that nobody can read', status: 200, contact: '<sip:x' },
  { name: 'that is another 2xx than 200', status: 202, contact: undefined },
])('hangs up an answer $name, which no application can use', async ({ status, contact }) => {
  const failed = dial().catch((error: unknown) => error)
  const parts = contact === undefined ? {} : { contact }
  bob.answer(await bob.expect('INVITE'), status, { body: SDP, ...parts })
  await bob.expect('ACK')
  bob.answer(await bob.expect('BYE'), 200)
  expect(await failed).toMatchObject({ status: 500 })
  await world.quiescent()
})

it('sends a request outside dialogs and hands its answer back', async () => {
  const statuses: number[] = []
  application.srf.request(target(), { method: 'OPTIONS' }, (error, request) => {
    expect(error).toBeNull()
    request.on('response', (response) => statuses.push(response.status))
  })
  bob.answer(await bob.expect('OPTIONS'), 404)
  await eventually(
    () => statuses.length > 0,
    () => 'no response',
  )
  expect(statuses).toEqual([404])
  await world.quiescent()
})

it.each([
  { uri: 'sip:bob@127.0.0.1;transport=tls', reason: 'requested protocol/transport not available' },
  { uri: 'http://127.0.0.1', reason: 'invalid request-uri: http://127.0.0.1' },
])('refuses to send to $uri', async ({ uri, reason }) => {
  const failure = Promise.withResolvers<Error | null>()
  application.srf.request(uri, { method: 'OPTIONS' }, (error) => {
    failure.resolve(error)
  })
  expect((await failure.promise)?.message).toBe(reason)
})

it('refuses to call itself', async () => {
  const self = application.srf.createUAC(`sip:x@127.0.0.1:${world.port}`, { localSdp: SDP })
  await expect(self).rejects.toThrow('can not send request to myself')
})

it.each([';;', ''])(
  'hands a redirection over without a Contact that its client would choke on: %j',
  async (contact) => {
    const failed = dial().catch((error: unknown) => error)
    bob.answer(await bob.expect('INVITE'), 302, { contact })
    const { res } = (await failed) as { res: { has: (name: string) => boolean; status: number } }
    expect(res.status).toBe(302)
    expect(res.has('Contact')).toBe(false)
  },
)
