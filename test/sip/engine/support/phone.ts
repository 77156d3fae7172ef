import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import type { SipRequest, SipResponse } from '../../../../src/sip/engine/message/message.ts'
import { headerValue } from '../../../../src/sip/engine/message/headers.ts'
import { parseMessage, parseStartLine } from '../../../../src/sip/engine/message/parse.ts'
import { NETWORK_LIMITS, splitMessage } from '../../../../src/sip/engine/message/split.ts'
import { createStreamReader } from '../../../../src/sip/engine/transport/stream-reader.ts'
import { eventually } from './eventually.ts'

export type Message = SipRequest | SipResponse

/** The first value of a header, by its lower-case name; empty where it is missing. */
export const valueOf = ({ headers }: Message, name: string): string =>
  headerValue(headers, name) ?? ''

/** A UDP peer that sends what a test writes and keeps what it gets. */
export interface Phone {
  readonly port: number
  readonly host: string
  /** Everything received and not yet taken, oldest first. */
  readonly inbox: Message[]
  readonly sendRaw: (text: string) => void
  /**
   * Waits for the next message that fits, and takes it and those before it out of the inbox. Copies
   * of `known`, which timers may have sent meanwhile, do not fit.
   */
  readonly expect: (what: string | number, known?: Message) => Promise<Message>
  /** Answers a request that was received. */
  readonly answer: (request: Message, status: number, parts?: AnswerParts) => void
  readonly close: () => Promise<void>
}

export interface AnswerParts {
  readonly tag?: string
  readonly headers?: readonly string[]
  readonly body?: string
  readonly contact?: string | false
}

/** Opens a phone that talks to an engine at the given port of its own host. */
export async function openPhone(enginePort: number, host = '127.0.0.1'): Promise<Phone> {
  const socket: Socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  const inbox: Message[] = []
  socket.on('message', (bytes) => {
    inbox.push(read(bytes.toString('latin1')))
  })
  const sendRaw = (text: string): void => {
    socket.send(Buffer.from(text, 'latin1'), enginePort, host)
  }
  const close = async (): Promise<void> => {
    socket.close()
    await once(socket, 'close')
  }
  return createPhone({ inbox, host, port }, { sendRaw, reply: sendRaw, close })
}

/** What tells one kind of phone from another. */
interface Line {
  readonly sendRaw: (text: string) => void
  /** Sends to where the latest message came from. */
  readonly reply: (text: string) => void
  readonly close: () => Promise<void>
}

function createPhone(phone: Pick<Phone, 'inbox' | 'host' | 'port'>, line: Line): Phone {
  const { host, inbox, port } = phone
  let closed = false
  return {
    ...phone,
    sendRaw: line.sendRaw,
    expect: async (what, known) => {
      const found = await eventually(
        () => inbox.find((message) => isMeant(message, what) && message.text !== known?.text),
        () => `no ${what}; got ${inbox.map(nameOf).join(', ')}`,
      )
      inbox.splice(0, inbox.indexOf(found) + 1)
      return found
    },
    answer: (request, status, parts = {}) => {
      const contact = `<sip:phone@${bracketed(host)}:${port}>`
      line.reply(answerText(request, status, { contact, ...parts }))
    },
    close: async () => {
      if (closed) return
      closed = true
      await line.close()
    },
  }
}

/** What a phone that speaks TLS shows, and whom it trusts. */
export interface PhoneTls {
  readonly cert: string
  readonly key: string
  /** Undefined: the engine's certificate is not looked at. */
  readonly ca?: string
}

/**
 * Opens a phone that speaks TCP, or TLS: it connects to the engine, listens for connections of the engine,
 * and answers on the connection it heard from last.
 */
export async function openTcpPhone(
  enginePort: number,
  host = '127.0.0.1',
  secure?: PhoneTls,
): Promise<Phone> {
  const inbox: Message[] = []
  const sockets = new Set<net.Socket>()
  let latest: net.Socket | undefined
  const serve = (socket: net.Socket): void => {
    sockets.add(socket)
    const reader = createStreamReader()
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      latest = socket
      for (const message of reader.push(bytes.toString('latin1'))?.messages ?? [])
        inbox.push(read(message))
    })
  }
  const server = secure ? tls.createServer(secure, serve) : net.createServer(serve)
  server.listen(0, host)
  await once(server, 'listening')
  const to = { port: enginePort, host }
  const own = secure
    ? tls.connect({ ...to, ...secure, rejectUnauthorized: secure.ca !== undefined })
    : net.connect(to)
  serve(own)
  await once(own, secure ? 'secureConnect' : 'connect')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const phone = createPhone(
    { inbox, host, port },
    {
      sendRaw: (text) => own.write(text, 'latin1'),
      reply: (text) => (latest ?? own).write(text, 'latin1'),
      close: async () => {
        for (const socket of sockets) socket.destroy()
        server.close()
        await once(server, 'close')
      },
    },
  )
  return phone
}

/** A host as it is written in URIs. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** A refusal repeats the damage of its request: then only its first line can be relied on. */
function read(text: string): Message {
  const message = parseMessage(text, false)
  if (message.kind !== 'unusable') return message
  const split = splitMessage(text, NETWORK_LIMITS)
  const line = parseStartLine(split.startLine)
  if (line.kind !== 'response') throw new Error(`phone got ${text}`)
  const via = {
    transport: 'udp',
    host: '',
    port: undefined,
    branch: '',
    received: undefined,
    rport: undefined,
    length: 0,
  }
  const { headers } = split
  const tags = { fromTag: undefined, toTag: undefined }
  return { ...line, ...tags, headers, via, text, body: '', sipCallId: '', cseq: 0, cseqMethod: '' }
}

/** `INVITE` for a request, `200` or `200 BYE` for a response. */
function isMeant(message: Message, what: string | number): boolean {
  if (message.kind === 'request') return message.method === what
  return what === message.status || what === `${message.status} ${message.cseqMethod}`
}

function nameOf(message: Message): string {
  return message.kind === 'request' ? message.method : `${message.status} ${message.cseqMethod}`
}

function answerText(request: Message, status: number, parts: AnswerParts): string {
  const { body = '', headers = [], tag = 'phonetag' } = parts
  const copied = request.headers.flatMap(({ key, name, value }) => {
    if (!['via', 'from', 'to', 'call-id', 'cseq', 'record-route'].includes(key)) return []
    const isUntagged = key === 'to' && request.toTag === undefined && status > 100
    return [`${name}: ${value}${isUntagged ? `;tag=${tag}` : ''}`]
  })
  const contact = typeof parts.contact === 'string' ? [`Contact: ${parts.contact}`] : []
  const type = body === '' ? [] : ['Content-Type: application/sdp']
  const length = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`
  const lines = [`SIP/2.0 ${status} Whatever`, ...copied, ...contact, ...headers, ...type, length]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

export const SDP = [
  'v=0',
  'o=phone 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 6000 RTP/AVP 0',
  '',
].join('\r\n')
