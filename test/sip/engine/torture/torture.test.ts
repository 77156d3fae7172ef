/** The messages of RFC 4475 and RFC 5118, byte by byte, on the wire. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFrameReader, frame } from '../../../../src/sip/engine/control/framing.ts'
import { eventually } from '../support/eventually.ts'
import { openPhone } from '../support/phone.ts'
import { openWorld, type World } from '../support/world.ts'
import { type Answer, RFC_4475, RFC_5118, type TortureCase } from './cases.ts'

const HOST = '127.0.0.1'
const VERBS = 'invite options register message info subscribe refer publish notify'.split(' ')

let world: World
let application: { readonly close: () => void }

beforeEach(async () => {
  world = await openWorld({
    sip: [
      { transport: 'udp', host: HOST, port: 0 },
      { transport: 'tcp', host: HOST, port: 0 },
    ],
    timers: { t1Ms: 2, t2Ms: 16, t4Ms: 5 },
  })
  application = await openApplication(world)
})

afterEach(async () => {
  application.close()
  await world.quiescent()
  expect(world.stack.stats().counters['faults']).toBe(0)
  await world.close()
})

/** Takes every request: 486 to INVITE, 200 to anything else. */
async function openApplication({ stack }: World): Promise<{ readonly close: () => void }> {
  const socket = connect(stack.admin)
  const reader = createFrameReader()
  let routed = 0
  socket.on('data', (bytes) => {
    for (const payload of reader.push(bytes.toString('latin1')) ?? []) {
      const words = payload.slice(0, payload.indexOf('\r\n')).split('|')
      if (payload.includes('|response|')) routed++
      if (words[1] !== 'sip') continue
      const status = payload.includes('\r\nINVITE ') ? '486 Busy Here' : '200 OK'
      socket.write(frame(`answer|sip|${words[8] ?? ''}|\r\nSIP/2.0 ${status}\r\n\r\n`), 'latin1')
    }
  })
  await once(socket, 'connect')
  socket.write(frame('1|authenticate|secret|'))
  for (const verb of VERBS) socket.write(frame(`1|route|${verb}`))
  await eventually(
    () => routed > VERBS.length,
    () => 'the application is not let in',
  )
  return { close: () => socket.destroy() }
}

const bytesOf = (rfc: string, name: string): string =>
  readFileSync(new URL(`${rfc}/${name}.sip`, import.meta.url), 'latin1')

/**
 * The message with a wish to be answered where it comes from: without it the answer goes to port 5060
 * or another that the message names, where nobody is.
 */
const askingForRport = (text: string): string =>
  text.replace(/^(?:via|v)[ \t]*:(?:[^\r\n;]|\r\n[ \t])*/im, '$&;rport')

/** What comes after the message and is answered for certain. */
const probe = (transport: string, port: number): string =>
  [
    `OPTIONS sip:probe@${HOST} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${HOST}:${port};rport;branch=z9hG4bK-probe`,
    `From: <sip:probe@${HOST}>;tag=probe`,
    `To: <sip:probe@${HOST}>`,
    'Call-ID: probe',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')

interface Heard {
  readonly answer: Answer
  readonly text: string
}

/** The first final response among what was received; what answers the probe is none. */
function finalOf(texts: readonly string[]): Heard | undefined {
  const text = texts.find((one) => /^SIP\/2\.0 [2-6]/.test(one) && !one.includes(': probe\r'))
  return text === undefined ? undefined : { answer: Number(text.slice(8, 11)), text }
}

async function sendByUdp(text: string): Promise<Heard> {
  const phone = await openPhone(world.port, HOST)
  phone.sendRaw(askingForRport(text))
  phone.sendRaw(probe('UDP', phone.port))
  const texts = (): string[] => phone.inbox.map((message) => message.text)
  await eventually(
    () => texts().some((one) => one.includes('\r\nCall-ID: probe\r')),
    () => 'the engine does not answer any more',
  )
  const heard = finalOf(texts())
  await phone.close()
  return heard ?? { answer: 'nothing', text: '' }
}

/** Silence is only waited for as long as given: where the message swallows the probe, nothing ends it. */
async function sendByTcp(text: string, silenceMs: number): Promise<Heard> {
  const socket = connect(world.port, HOST)
  let received = ''
  let isClosed = false
  socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  socket.on('error', () => undefined)
  socket.on('close', () => (isClosed = true))
  await once(socket, 'connect')
  socket.write(text, 'latin1')
  socket.write(probe('TCP', 5060), 'latin1')
  const texts = (): string[] => received.split(/(?=SIP\/2\.0 \d\d\d )/)
  await eventually(
    () =>
      isClosed || texts().some((one) => one.includes('\r\nCall-ID: probe\r')) || finalOf(texts()),
    () => 'neither an answer nor an end',
    silenceMs,
  ).catch(() => undefined)
  const heard = finalOf(texts())
  socket.destroy()
  return heard ?? { answer: isClosed ? 'closed' : 'nothing', text: '' }
}

/** Each with the SHA-256 of its files one after the other, so that no editor mends them. */
const SUITES: readonly {
  readonly rfc: string
  readonly cases: readonly TortureCase[]
  readonly sha256: string
}[] = [
  {
    rfc: 'rfc4475',
    cases: RFC_4475,
    sha256: '967915f24c272df050d221481f864050f66bf416b46c4afe078e4070ea1a0e3a',
  },
  {
    rfc: 'rfc5118',
    cases: RFC_5118,
    sha256: 'aa3b9f818ca484effc7dd4e55df8e7444b01fa57b6d1cc084db0e5f17f2feb9e',
  },
]

describe.each(SUITES)('$rfc', ({ cases, rfc, sha256 }) => {
  it.each(cases)('$name by UDP: $udp ($why)', async ({ name, udp, with: lines = [] }) => {
    const { answer, text } = await sendByUdp(bytesOf(rfc, name))
    expect(answer).toBe(udp)
    for (const line of lines) expect(text).toContain(`\r\n${line}\r\n`)
  })

  it.each(cases)('$name by TCP', async ({ name, udp, tcp = udp }) => {
    const silenceMs = tcp === 'nothing' ? 500 : 4_000
    expect((await sendByTcp(bytesOf(rfc, name), silenceMs)).answer).toBe(tcp)
  })

  it('is here in full, and as it was written', () => {
    const pattern = new URL(`${rfc}/*.sip`, import.meta.url).pathname
    const files = globSync(pattern).sort()
    expect(files).toHaveLength(cases.length)
    const hash = createHash('sha256')
    for (const file of files) hash.update(readFileSync(file))
    expect(hash.digest('hex')).toBe(sha256)
  })
})
