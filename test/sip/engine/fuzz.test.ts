import { once } from 'node:events'
import { connect } from 'node:net'
import Srf from 'drachtio-srf'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFrameReader, frame } from '../../../src/sip/engine/control/framing.ts'
import { startStack, type Stack } from '../../../src/sip/engine/stack.ts'
import { parseMessage } from '../../../src/sip/engine/message/parse.ts'
import { eventually } from './support/eventually.ts'
import { openPhone, type Phone, SDP } from './support/phone.ts'
import { SHORT_TIMERS } from './support/world.ts'

const PACKETS = 5_000

/** The client's own parser: what it cannot read it drops, and the call would hang. */
const { SipMessage } = Srf as unknown as {
  SipMessage: new (text: string) => {
    method?: string
    has(name: string): boolean
    getParsedHeader(name: string): unknown
  }
}

let stack: Stack
let phone: Phone
let delivered: string[]
let close: () => void

beforeAll(async () => {
  stack = await startStack({
    sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0 },
    secret: 'secret',
    timers: SHORT_TIMERS,
  })
  phone = await openPhone(stack.sip[0]?.port ?? 0)
  const socket = connect(stack.admin)
  const reader = createFrameReader()
  delivered = []
  socket.on('data', (bytes) => {
    for (const payload of reader.push(bytes.toString('latin1')) ?? []) {
      const [meta = ''] = payload.split('\r\n', 1)
      if (meta.split('|')[1] === 'sip') delivered.push(payload)
    }
  })
  await once(socket, 'connect')
  socket.write(frame('1|authenticate|secret|'))
  for (const verb of ['invite', 'options', 'register', 'message', 'info', 'subscribe', 'refer'])
    socket.write(frame(`2|route|${verb}`))
  close = () => socket.destroy()
})

afterAll(async () => {
  close()
  await phone.close()
  await stack.close()
})

/** Numbers that look like chance and are the same in every run. */
function createChance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function seeds(): readonly string[] {
  const via = `Via: SIP/2.0/UDP 127.0.0.1:${phone.port};rport;branch=z9hG4bK`
  const common = (method: string, index: number): string[] => [
    `${method} sip:+18005550100@127.0.0.1;user=phone SIP/2.0`,
    `${via}${index}`,
    'Max-Forwards: 70',
    'From: "Caller \\"C\\"" <sip:+15551234567@192.0.2.1;x=y>;tag=abc;p="q;r"',
    'To: Callee <sip:+18005550100@127.0.0.1>',
    `Call-ID: seed-${index}@test`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:caller@127.0.0.1:5999;transport=udp>;expires=60, <sip:other@192.0.2.2>',
    'Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>',
    'Content-Type: application/sdp',
    `Content-Length: ${SDP.length}`,
  ]
  const text = (lines: readonly string[], body = SDP): string =>
    `${lines.join('\r\n')}\r\n\r\n${body}`
  return [
    ...['INVITE', 'OPTIONS', 'REGISTER', 'MESSAGE', 'CANCEL', 'BYE', 'ACK', 'SUBSCRIBE'].map(
      (method, index) => text(common(method, index)),
    ),
    text(['SIP/2.0 200 OK', ...common('INVITE', 20).slice(1)]),
    text(common('INVITE', 30).map((line) => line.replace(': ', ' :\r\n\t'))),
    text(common('INVITE', 31).map((line) => line.replace('Call-ID', 'i').replace('Via', 'v'))),
  ]
}

const SPECIALS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '"',
  '<',
  '>',
  ';',
  ',',
  '\\',
  '|',
  '#',
  '%',
  ':',
  ' ',
  '\t',
  '\xff',
  '=',
  '@',
  '[',
  ']',
  '2147483648',
  'x'.repeat(600),
]

function mutate(seed: string, chance: (below: number) => number): string {
  let text = seed
  for (let times = 1 + chance(4); times > 0; times--) {
    const at = chance(text.length)
    const length = chance(20)
    const special = SPECIALS[chance(SPECIALS.length)] ?? ''
    switch (chance(5)) {
      case 0:
        text = text.slice(0, at) + special + text.slice(at)
        break
      case 1:
        text = text.slice(0, at) + text.slice(at + length)
        break
      case 2:
        text = text.slice(0, at) + special + text.slice(at + 1)
        break
      case 3:
        text =
          text.slice(0, at) + text.slice(at, at + length * 3).repeat(1 + chance(4)) + text.slice(at)
        break
      default:
        text = text.slice(0, at) + String.fromCharCode(chance(256)) + text.slice(at + 1)
    }
  }
  return text.slice(0, 60_000)
}

it(`survives ${PACKETS} damaged packets, and hands over nothing its client cannot read`, async () => {
  const chance = createChance(4_475)
  const originals = seeds()
  for (let sent = 0; sent < PACKETS; sent++) {
    const fresh = (originals[chance(originals.length)] ?? '').replaceAll('seed-', `s${sent}-`)
    phone.sendRaw(mutate(fresh.replace('z9hG4bK', `z9hG4bK${sent}-`), chance))
    // Sockets have small buffers: the engine has to get its turn in this thread.
    if (sent % 20 === 19) await new Promise(setImmediate)
  }
  const alive = (seeds()[1] ?? '')
    .replace('branch=z9hG4bK1', 'branch=z9hG4bKalive')
    .replace('seed-1@', 'alive@')
  const count = delivered.length
  phone.sendRaw(alive)
  await eventually(
    () => delivered.some((payload) => payload.includes('Call-ID: alive@')),
    () => 'the engine is dead',
  )
  expect(count).toBeGreaterThan(500)

  for (const payload of delivered) {
    const text = Buffer.from(payload.slice(payload.indexOf('\r\n') + 2), 'latin1').toString('utf8')
    const message = new SipMessage(text)
    expect(message.method).toBeTruthy()
    for (const name of ['from', 'to', 'cseq', 'call-id']) message.getParsedHeader(name)
    if (message.has('contact')) message.getParsedHeader('contact')
    expect(payload.split('\r\n', 1)[0]?.split('|').length).toBeOneOf([11, 13])
  }
}, 30_000)

it.each([
  { name: 'quotes', value: `"${'\\"'.repeat(2_000)}` },
  { name: 'semicolons', value: `<sip:a@b>${';'.repeat(4_000)}` },
  { name: 'commas', value: `<sip:a@b>${','.repeat(4_000)}` },
  { name: 'brackets', value: '<'.repeat(4_000) },
  { name: 'blanks', value: `a${' '.repeat(4_000)}b` },
])('takes no time over a header full of $name', ({ value }) => {
  const [invite = ''] = seeds()
  for (const name of ['From', 'To', 'Contact', 'Via', 'Record-Route']) {
    const text = invite.replace(new RegExp(`^${name}: .*$`, 'm'), () => `${name}: ${value}\r`)
    const begunAt = performance.now()
    parseMessage(text, false)
    expect(performance.now() - begunAt).toBeLessThan(250)
  }
})

it('keeps nothing of it', async () => {
  close()
  const left = (): [string, number][] =>
    Object.entries(stack.stats().tables).filter(
      ([name, size]) => !['sockets', 'sources', 'applications'].includes(name) && size > 0,
    )
  await eventually(
    () => left().length === 0,
    () => `still there: ${JSON.stringify(left())}`,
  )
})
