import { beforeEach, expect, it } from 'vitest'
import { type NameAnswer, startNameServer } from '../../../support/name-server.ts'
import { openPhone, openTcpPhone, type Phone, SDP } from '../support/phone.ts'
import { openWorldOfTest, SHORT_TIMERS, type World } from '../support/world.ts'

let world: World
let first: Phone
let second: Phone
let zone: Record<string, NameAnswer>
let nameServers: readonly string[]

const sip = [
  { transport: 'udp', host: '127.0.0.1', port: 0 },
  { transport: 'tcp', host: '127.0.0.1', port: 0 },
] as const

beforeEach(async () => {
  zone = {}
  nameServers = [await startNameServer((name) => zone[name] ?? 3)]
  // A busy machine may be late by 64·T1 of the usual ones, and the second would be given up too.
  const timers = { ...SHORT_TIMERS, t1Ms: 20 }
  world = await openWorldOfTest({ sip, nameServers, timers })
  first = await world.phone()
  second = await world.phone()
  zone['_sip._udp.buyer.test'] = [
    { srv: [1, 0, first.port, 'host.test'] },
    { srv: [2, 0, second.port, 'host.test'] },
  ]
  zone['host.test'] = ['127.0.0.1']
})

const branchOf = ({ text }: { readonly text: string }): string =>
  /branch=([^\r;]+)/.exec(text)?.[1] ?? ''

async function call(uri = 'sip:bob@buyer.test') {
  const { srf } = await world.application()
  const outcome = srf.createUAC(uri, { localSdp: SDP })
  outcome.catch(() => undefined)
  return outcome
}

it('calls the next host when the first answers 503, as a new transaction (RFC 3263 §4.3)', async () => {
  const outcome = call()
  const refused = await first.expect('INVITE')
  first.answer(refused, 503)
  await first.expect('ACK')
  const invite = await second.expect('INVITE')
  expect(branchOf(invite)).not.toBe(branchOf(refused))
  expect(invite.sipCallId).toBe(refused.sipCallId)
  expect(invite.cseq).toBe(refused.cseq)
  second.answer(invite, 200, { body: SDP })
  await second.expect('ACK')
  const dialog = await outcome
  void dialog.destroy()
  second.answer(await second.expect('BYE'), 200)
  await world.quiescent()
})

it.each([
  { name: 'refuses packets', close: () => first.close() },
  { name: 'is silent', close: () => Promise.resolve() },
])('calls the next host when the first $name', async ({ close }) => {
  await close()
  const outcome = call()
  const invite = await second.expect('INVITE')
  second.answer(invite, 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
})

it('hears nothing more of a host that was silent, once the next is called', async () => {
  const outcome = call()
  const unheard = await first.expect('INVITE')
  const invite = await second.expect('INVITE')
  expect(world.stack.stats().tables['clientTransactions']).toBe(1)
  first.inbox.splice(0)
  first.answer(unheard, 486)
  second.answer(invite, 404)
  await expect(outcome).rejects.toMatchObject({ status: 404 })
  await world.quiescent()
  expect(first.inbox.filter(({ text }) => text.startsWith('ACK'))).toEqual([])
})

it('calls the next host when DNS names port 0 for the first', async () => {
  zone['_sip._udp.buyer.test'] = [
    { srv: [1, 0, 0, 'host.test'] },
    { srv: [2, 0, second.port, 'host.test'] },
  ]
  const outcome = call()
  second.answer(await second.expect('INVITE'), 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
  await world.quiescent()
  expect(world.stack.stats().counters['faults']).toBe(0)
})

it('spares the host that has failed in the calls that follow', async () => {
  const outcome = call()
  first.answer(await first.expect('INVITE'), 503)
  second.answer(await second.expect('INVITE'), 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
  first.inbox.splice(0)
  const again = call()
  second.answer(await second.expect('INVITE'), 404)
  await expect(again).rejects.toMatchObject({ status: 404 })
  expect(first.inbox.filter(({ kind }) => kind === 'request').map(({ text }) => text)).toEqual([])
})

it('spares it for as long as its Retry-After says (RFC 3261 §21.5.4)', async () => {
  const outcome = call()
  first.answer(await first.expect('INVITE'), 503, { headers: ['Retry-After: 0 (soon)'] })
  second.answer(await second.expect('INVITE'), 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
  const again = call()
  first.answer(await first.expect('INVITE'), 404)
  await expect(again).rejects.toMatchObject({ status: 404 })
})

it('tells of the last failure when every host fails', async () => {
  const outcome = call()
  first.answer(await first.expect('INVITE'), 503)
  second.answer(await second.expect('INVITE'), 503)
  await expect(outcome).rejects.toMatchObject({ status: 503 })
  await world.quiescent()
})

it('calls nobody else once the first has rung', async () => {
  const outcome = call()
  const invite = await first.expect('INVITE')
  first.answer(invite, 180)
  first.answer(invite, 503)
  await expect(outcome).rejects.toMatchObject({ status: 503 })
  expect(second.inbox).toEqual([])
})

it('holds a CANCEL until the next host has been heard of', async () => {
  const { srf } = await world.application()
  const request = Promise.withResolvers<{ cancel: (callback: () => void) => void }>()
  const outcome = srf.createUAC(
    'sip:bob@buyer.test',
    { localSdp: SDP },
    { cbRequest: (_error: unknown, sent: never) => request.resolve(sent) },
  )
  outcome.catch(() => undefined)
  const refused = await first.expect('INVITE')
  first.answer(refused, 100)
  first.answer(refused, 503)
  const invite = await second.expect('INVITE')
  const transactions = (): unknown => world.stack.stats().tables['clientTransactions']
  const before = transactions()
  const sent = await request.promise
  await new Promise<void>((resolve) => {
    sent.cancel(resolve)
  })
  expect(transactions()).toBe(before)
  second.answer(invite, 100)
  const cancelled = await second.expect('CANCEL')
  expect(branchOf(cancelled)).toBe(branchOf(invite))
  second.answer(cancelled, 200)
  second.answer(invite, 487)
  await expect(outcome).rejects.toMatchObject({ status: 487 })
})

it('takes the transport that NAPTR prefers (RFC 3263 §4.1)', async () => {
  const bob = await openTcpPhone(world.port)
  zone['naptr.test'] = [
    { naptr: [1, 2, 'SIP+D2U', '_sip._udp.buyer.test'] },
    { naptr: [1, 1, 'SIP+D2T', '_sip._tcp.naptr.test'] },
  ]
  zone['_sip._tcp.naptr.test'] = [{ srv: [1, 0, bob.port, 'host.test'] }]
  const outcome = call('sip:bob@naptr.test')
  const invite = await bob.expect('INVITE')
  expect(invite.via.transport).toBe('tcp')
  bob.answer(invite, 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
  await bob.close()
})

it('gives up on a name server that is silent after two seconds', async () => {
  zone['_sip._udp.silent.test'] = 'silence'
  const since = performance.now()
  await expect(call('sip:bob@silent.test')).rejects.toMatchObject({ status: 503 })
  expect(performance.now() - since).toBeGreaterThan(1_500)
  expect(performance.now() - since).toBeLessThan(3_000)
})

it('calls over IPv6 where the host has no other address', async () => {
  const hosts = ['127.0.0.1', '::1']
  const both = await openWorldOfTest({
    sip: hosts.map((host) => ({ transport: 'udp', host, port: 0 })),
    nameServers,
  })
  zone['six.test'] = ['::1']
  const port = both.stack.sip[1]?.port ?? 0
  const bob = await openPhone(port, '::1')
  const { srf } = await both.application()
  const outcome = srf.createUAC(`sip:bob@six.test:${bob.port}`, { localSdp: SDP })
  outcome.catch(() => undefined)
  const invite = await bob.expect('INVITE')
  expect(invite.text).toContain(`Via: SIP/2.0/UDP [::1]:${port};`)
  bob.answer(invite, 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
  await bob.close()
})

it('goes to the host of maddr, and leaves the name in the request (RFC 3261 §19.1.1)', async () => {
  const outcome = call(`sip:bob@elsewhere.test:${second.port};maddr=127.0.0.1`)
  const invite = await second.expect('INVITE')
  expect(invite.text).toMatch(/^INVITE sip:bob@elsewhere\.test:\d+;maddr=127\.0\.0\.1 SIP/)
  second.answer(invite, 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
})

const LARGE_SDP = `${SDP}${'a=x-filler:0123456789\r\n'.repeat(60)}`

it('sends what is larger than 1,300 bytes over TCP where that is taken (RFC 3261 §18.1.1)', async () => {
  const bob = await openTcpPhone(world.port)
  const { srf } = await world.application()
  const outcome = srf.createUAC(`sip:bob@127.0.0.1:${bob.port}`, { localSdp: LARGE_SDP })
  outcome.catch(() => undefined)
  const invite = await bob.expect('INVITE')
  expect(invite.via.transport).toBe('tcp')
  bob.answer(invite, 486)
  await expect(outcome).rejects.toMatchObject({ status: 486 })
  await bob.close()
})

it('sends it over UDP where TCP is refused, and remembers that', async () => {
  const { srf } = await world.application()
  const dial = () => srf.createUAC(`sip:bob@127.0.0.1:${first.port}`, { localSdp: LARGE_SDP })
  for (const attempt of ['first', 'second']) {
    const outcome = dial()
    outcome.catch(() => undefined)
    const invite = await first.expect('INVITE')
    expect(invite.via.transport).toBe('udp')
    first.answer(invite, 486)
    await expect(outcome).rejects.toMatchObject({ status: 486 })
    expect(world.stack.stats().counters['connectionsOpened'], attempt).toBe(1)
  }
})
