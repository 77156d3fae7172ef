import { afterEach, beforeEach, expect, it } from 'vitest'
import { REFUSAL_COUNTER_NAMES } from '../../../../src/sip/engine/core/refusal-counters.ts'
import { eventually } from '../support/eventually.ts'
import { fromCallee } from '../../../conformance/callee.ts'
import { caller } from '../support/caller.ts'
import { type Phone, SDP } from '../support/phone.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let phone: Phone

beforeEach(async () => {
  world = await openWorld()
  phone = await world.phone()
})

afterEach(async () => {
  await world.close()
})

const many = (line: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${line}${at}`)

interface Parts {
  readonly method?: string
  readonly uri?: string
  readonly version?: string
  readonly vias?: readonly string[]
  readonly headers?: readonly string[]
  readonly length?: string
  readonly body?: string
}

function request(parts: Parts): string {
  const { body = '', headers = [], length = '0', method = 'OPTIONS', vias = [] } = parts
  const { uri = 'sip:x@127.0.0.1', version = 'SIP/2.0' } = parts
  return [
    `${method} ${uri} ${version}`,
    `Via: SIP/2.0/UDP 127.0.0.1:${phone.port};branch=z9hG4bK-limits`,
    ...vias,
    'From: <sip:a@127.0.0.1>;tag=1',
    'To: <sip:b@127.0.0.1>',
    'Call-ID: limits',
    `CSeq: 1 ${method}`,
    ...headers,
    `Content-Length: ${length}`,
    '',
    body,
  ].join('\r\n')
}

it.each<{ counter: string; status: number; parts: Parts }>([
  {
    counter: 'messagesTooLong',
    status: 513,
    parts: { length: '17000', body: 'x'.repeat(17_000) },
  },
  {
    counter: 'headersTooLong',
    status: 513,
    parts: { headers: many(`X: ${'x'.repeat(3_500)}`, 5) },
  },
  { counter: 'headerLinesTooLong', status: 513, parts: { headers: [`X: ${'x'.repeat(4_200)}`] } },
  { counter: 'headerLinesTooMany', status: 513, parts: { headers: many('X: ', 130) } },
  { counter: 'urisTooLong', status: 414, parts: { uri: `sip:${'x'.repeat(600)}@127.0.0.1` } },
  {
    counter: 'viasTooMany',
    status: 400,
    parts: { vias: many('Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK', 71) },
  },
  {
    counter: 'recordRoutesTooMany',
    status: 400,
    parts: { headers: many('Record-Route: <sip:192.0.2.1;lr>;x=', 71) },
  },
  { counter: 'contentLengthsWrong', status: 400, parts: { length: 'many' } },
  { counter: 'messagesMalformed', status: 400, parts: { uri: '<sip:x@127.0.0.1>' } },
  { counter: 'methodsUnknown', status: 405, parts: { method: 'DANCE' } },
  { counter: 'schemesUnknown', status: 416, parts: { uri: 'nobodyknows:x' } },
  { counter: 'extensionsUnknown', status: 420, parts: { headers: ['Require: nothing'] } },
  {
    counter: 'hopsExhausted',
    status: 483,
    parts: { method: 'MESSAGE', headers: ['Max-Forwards: 0'] },
  },
  { counter: 'versionsUnknown', status: 505, parts: { version: 'SIP/7.0' } },
])('$counter counts what is refused with $status', async ({ counter, status, parts }) => {
  phone.sendRaw(request(parts))
  await phone.expect(status)
  const { counters } = world.stack.stats()
  const counted = Object.entries(counters).filter(([name, value]) => value > 0 && LIMITS.has(name))
  expect(counted).toEqual([[counter, 1]])
})

const LIMITS: ReadonlySet<string> = new Set(REFUSAL_COUNTER_NAMES)

it('counts what comes from a banned source', async () => {
  await world.close()
  const guard = { requestsPerSecond: 1, burst: 1, exemptLoopback: false }
  world = await openWorld({ guard })
  phone = await world.phone()
  for (let at = 0; at < 5; at++) phone.sendRaw(request({}))
  await eventually(
    () => world.stack.stats().counters['messagesOfBannedSources'] === 2,
    () => JSON.stringify(world.stack.stats().counters),
  )
})

it('hears the calls of a banned source all the same: a stranger may have sent in its name', async () => {
  await world.close()
  world = await openWorld({ guard: { requestsPerSecond: 0.001, burst: 1, exemptLoopback: false } })
  phone = await world.phone()
  for (let at = 0; at < 5; at++) phone.sendRaw(request({}))
  await eventually(
    () => world.stack.stats().counters['messagesOfBannedSources'] === 2,
    () => JSON.stringify(world.stack.stats().counters),
  )
  const { srf } = await world.application()
  const bob = await world.phone()
  const outcome = srf.createUAC(`sip:bob@127.0.0.1:${bob.port}`, { localSdp: SDP })
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  bob.answer(invite, 200, { body: SDP })
  await bob.expect('ACK')
  await outcome
  bob.sendRaw(fromCallee(bob, invite, 'BYE', { cseq: 1 }))
  await bob.expect('200 BYE')
  bob.sendRaw(request({ method: 'MESSAGE' }))
  bob.sendRaw(request({ version: 'SIP/7.0' }))
  await eventually(
    () => world.stack.stats().counters['messagesOfBannedSources'] === 4,
    () => JSON.stringify(world.stack.stats().counters),
  )
})

it('hears a banned source take back what it has asked for, and nothing that is made up', async () => {
  await world.close()
  world = await openWorld({ guard: { requestsPerSecond: 0.001, burst: 1, exemptLoopback: false } })
  phone = await world.phone()
  const cancelled = Promise.withResolvers<void>()
  await world.application({
    invite: (req, res) => {
      req.on('cancel', () => cancelled.resolve())
      res.send(180)
    },
  })
  const alice = caller(phone, world.port)
  phone.sendRaw(alice.invite())
  await phone.expect('180 INVITE')
  for (let at = 0; at < 5; at++) phone.sendRaw(request({}))
  const ofBanned = () => world.stack.stats().counters['messagesOfBannedSources']
  await eventually(
    () => ofBanned() === 3,
    () => JSON.stringify(world.stack.stats().counters),
  )
  phone.sendRaw(request({ method: 'CANCEL' }))
  await eventually(
    () => ofBanned() === 4,
    () => JSON.stringify(world.stack.stats().counters),
  )
  phone.sendRaw(alice.cancel())
  await phone.expect('200 CANCEL')
  await phone.expect('487 INVITE')
  await cancelled.promise
  expect(ofBanned()).toBe(4)
})

it('counts calls beyond what it holds', async () => {
  await world.close()
  world = await openWorld({ limits: { transactions: 0 } })
  phone = await world.phone()
  await world.application({ options: (_req, res) => res.send(200) })
  phone.sendRaw(request({}))
  await phone.expect(503)
  expect(world.stack.stats().counters['callsBeyondLimit']).toBe(1)
})
