import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import Srf from 'drachtio-srf'
import { leftovers } from '../../../../src/cli/engine-rig/leftovers.ts'
import { createFrameReader, frame } from '../../../../src/sip/engine/control/framing.ts'
import { startStack, type Stack } from '../../../../src/sip/engine/stack.ts'
import { eventually } from './eventually.ts'
import { createFuzzCallee, inviteFrame, reactTo } from './fuzz-calls.ts'
import { ANSWER_TAG, type Chance, createChance, goodMessages, mutate } from './mutate.ts'
import { openPhone } from './phone.ts'

/** The client's own parser: what it cannot read it drops, and the call would hang. */
const { SipMessage } = Srf as unknown as {
  SipMessage: new (text: string) => {
    method?: string
    status?: number
    has(name: string): boolean
    getParsedHeader(name: string): unknown
  }
}

const HOST = '127.0.0.1'
const VERBS = 'invite options register message info subscribe refer notify publish'.split(' ')
/** A call rings for 300 ms at most, and 90 s of Session-Expires are 180 ms. */
const TIMERS = { t1Ms: 5, t2Ms: 40, t4Ms: 25, timerCMs: 300, secondMs: 2 }

/** After so many packets the application calls the phone. */
const PACKETS_A_CALL = 20

/** How far back a call may have begun that a packet belongs to. */
const CALLS_AT_A_TIME = 12

/** One packet of so many goes over a stream instead. */
const STREAM_SHARE = 8

/** What became of an engine that was sent damaged packets. */
export interface FuzzResult {
  /** How many came through to the application. */
  readonly delivered: number
  /** How many responses to its own requests did. */
  readonly answered: number
  /** Errors of the engine that nobody foresaw. */
  readonly faults: readonly string[]
  /** What it handed over although its client cannot read it. */
  readonly unreadable: readonly string[]
  /** Tables that were not empty when everything had come to rest, and their sizes. */
  readonly left: readonly string[]
}

/**
 * Sends an engine of its own so many damaged packets, over UDP and TCP, with an application that answers
 * some of what comes through, and waits until it has come to rest.
 *
 * @throws an Error if the engine stops answering
 */
export async function fuzz(
  { packets, seed }: { readonly packets: number; readonly seed: number },
  onProgress: (sent: number) => void = () => undefined,
): Promise<FuzzResult> {
  const faults: string[] = []
  const sip = (['udp', 'tcp'] as const).map((transport) => ({ transport, host: HOST, port: 0 }))
  const admin = { host: HOST, port: 0 }
  const onFault = (error: unknown): void => {
    faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const options = { sip, admin, secret: 'secret', timers: TIMERS }
  const stack = await startStack(options, { onFault })
  try {
    const application = await openApplication(stack)
    await sendDamaged(stack, application, { packets, seed, onProgress })
    await proveAlive(stack)
    application.close()
    const left = await rest(stack)
    const { unreadable } = application
    return {
      delivered: application.delivered(),
      answered: application.answered(),
      faults,
      unreadable,
      left,
    }
  } finally {
    await stack.close()
  }
}

interface Application {
  readonly unreadable: readonly string[]
  readonly delivered: () => number
  readonly answered: () => number
  /** Calls the phone at a port. */
  readonly call: (port: number) => void
  readonly close: () => void
}

/** An application that checks what it gets, and answers three in four of it in its own way. */
async function openApplication({ admin }: Stack): Promise<Application> {
  const socket = connect(admin)
  const reader = createFrameReader()
  const unreadable: string[] = []
  let [delivered, answered, calls] = [0, 0, 0]
  const write = (payload: string): boolean => socket.write(frame(payload), 'latin1')
  socket.on('data', (bytes) => {
    for (const payload of reader.push(bytes.toString('latin1')) ?? []) {
      const words = payload.slice(0, payload.indexOf('\r\n')).split('|')
      if (words[1] !== 'sip') continue
      if (!isReadable(payload, words)) unreadable.push(payload)
      if (payload.includes('\r\nSIP/2.0 ')) {
        answered++
        reactTo(payload, words, answered).forEach(write)
        continue
      }
      delivered++
      const answer = ANSWERS[delivered % ANSWERS.length]
      const lines = [`answer|sip|${words[8] ?? ''}|`, answer ?? '', TO, '\r\n']
      if (answer !== undefined) write(lines.join('\r\n'))
    }
  })
  await once(socket, 'connect')
  socket.write(frame('1|authenticate|secret|'))
  for (const verb of VERBS) socket.write(frame(`2|route|${verb}`))
  return {
    unreadable,
    delivered: () => delivered,
    answered: () => answered,
    call: (port) => {
      calls++
      write(inviteFrame(`call-${calls}`, port))
    },
    close: () => socket.destroy(),
  }
}

const TO = `To: <sip:x@y.example>;tag=${ANSWER_TAG}`
const ANSWERS = ['SIP/2.0 486 Busy Here', 'SIP/2.0 200 OK', 'SIP/2.0 180 Ringing', undefined]

/** What the client reads of every message, it has to be able to read. */
function isReadable(payload: string, words: readonly string[]): boolean {
  try {
    const bytes = Buffer.from(payload.slice(payload.indexOf('\r\n') + 2), 'latin1')
    const message = new SipMessage(bytes.toString('utf8'))
    for (const name of ['from', 'to', 'cseq', 'call-id']) message.getParsedHeader(name)
    if (message.has('contact')) message.getParsedHeader('contact')
    const isRead = Boolean(message.method ?? message.status)
    return isRead && (words.length === 11 || words.length === 13)
  } catch {
    return false
  }
}

interface Load {
  readonly packets: number
  readonly seed: number
  readonly onProgress: (sent: number) => void
}

async function sendDamaged(
  stack: Stack,
  application: Application,
  { packets, seed, onProgress }: Load,
): Promise<void> {
  const port = stack.sip[0]?.port ?? 0
  const phone = await openPhone(port, HOST)
  const stream = openStream(port)
  const chance = createChance(seed)
  // Of its own: what the engine sends differs from run to run, and the packets are to be the same.
  const callee = createFuzzCallee(phone.port, createChance(seed + 1))
  const originals = goodMessages(phone.port)
  for (let sent = 0; sent < packets; sent++) {
    const original = originals[chance(originals.length)] ?? ''
    const damaged = mutate(numbered(original, sent, chance), chance)
    if (chance(STREAM_SHARE) === 0) stream.write(damaged)
    else phone.sendRaw(damaged)
    // Sockets have small buffers: the engine has to get its turn in this thread.
    if (sent % 20 === 19) await new Promise(setImmediate)
    if (sent % 1_000 === 999) onProgress(sent + 1)
    if (sent % PACKETS_A_CALL === 0) application.call(phone.port)
    callee.take(phone.inbox.splice(0))
    const answer = callee.next()
    if (answer !== undefined) phone.sendRaw(answer)
  }
  stream.close()
  await phone.close()
}

/** Half of the packets belong to a call that others have begun shortly before. */
function numbered(original: string, packet: number | 'alive', chance: Chance): string {
  const isOld = packet !== 'alive' && chance(2) === 0
  const call = isOld ? Math.max(0, packet - chance(CALLS_AT_A_TIME)) : packet
  return original
    .replace('BRANCH', String(packet))
    .replace('CALL', `call-${call}`)
    .replace('NUMBER', String(1 + chance(4)))
}

/** Writes to a connection, a new one whenever the engine has had enough of the last. */
function openStream(port: number): {
  readonly write: (text: string) => void
  readonly close: () => void
} {
  let socket: Socket | undefined
  const open = (): Socket => {
    const fresh = connect(port, HOST)
    fresh.on('error', () => undefined)
    fresh.on('close', () => {
      if (socket === fresh) socket = undefined
    })
    fresh.resume()
    return fresh
  }
  return {
    write: (text) => {
      socket ??= open()
      socket.write(text, 'latin1')
    },
    close: () => socket?.destroy(),
  }
}

/** One good packet after all the bad ones. */
async function proveAlive(stack: Stack): Promise<void> {
  const phone = await openPhone(stack.sip[0]?.port ?? 0, HOST)
  const [, options = ''] = goodMessages(phone.port)
  try {
    await eventually(
      () => {
        phone.sendRaw(numbered(options, 'alive', () => 0))
        return phone.inbox.length > 0
      },
      () => 'the engine does not answer any more',
    )
  } finally {
    await phone.close()
  }
}

/** Waits until every table is empty; gives those that are not. */
function rest({ stats }: Stack): Promise<readonly string[]> {
  const left = (): readonly string[] => leftovers(stats())
  return eventually(
    () => left().length === 0 && [],
    () => '',
    10_000,
  ).catch(left)
}
