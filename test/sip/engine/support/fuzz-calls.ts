/** Both ends of the calls that the engine places while it is sent damaged packets. */
import { type Chance, mutate } from './mutate.ts'
import { type Message, SDP, valueOf } from './phone.ts'

/** Requests of the engine that the phone may still answer. */
const REQUESTS_AT_A_TIME = 12

const STATUSES = [
  100, 180, 183, 183, 183, 200, 200, 200, 202, 302, 401, 407, 422, 481, 486, 487, 491, 500, 503,
  603,
]
const CONTACTS = [
  'Contact: <sip:phone@127.0.0.1:PORT>',
  'Contact: <sip:phone@127.0.0.1:PORT;transport=tls>',
  'Contact: <sip:phone@[2001:db8::1]>',
  'Contact: <sip:one@127.0.0.1:PORT>, <sip:two@127.0.0.1:PORT>',
]
const EXTRAS = [
  'Require: 100rel\r\nRSeq: 1',
  'Require: 100rel\r\nRSeq: 2',
  'Session-Expires: 90;refresher=uac',
  'Session-Expires: 90;refresher=uas',
  'Record-Route: <sip:127.0.0.1:PORT;lr>',
  'Min-SE: 120',
  'Retry-After: 1',
  'WWW-Authenticate: Digest realm="local", nonce="abc"',
]

/** A phone that the engine calls. */
export interface FuzzCallee {
  /** Takes what the engine has sent it. */
  readonly take: (messages: readonly Message[]) => void
  /** What it answers next, damaged three times in four; undefined: nothing now. */
  readonly next: () => string | undefined
}

/** Makes the phone at a port. */
export function createFuzzCallee(port: number, chance: Chance): FuzzCallee {
  const requests: Message[] = []
  return {
    take: (messages) => {
      for (const message of messages)
        if (message.kind === 'request' && message.method !== 'ACK') requests.push(message)
      requests.splice(0, requests.length - REQUESTS_AT_A_TIME)
    },
    next: () => {
      const request = chance(3) === 0 ? requests[chance(requests.length)] : undefined
      if (!request) return undefined
      const text = responseTo(request, chance).replaceAll('PORT', String(port))
      return chance(4) === 0 ? text : mutate(text, chance)
    },
  }
}

/** One of the responses that are possible, by one of three forks. */
function responseTo(request: Message, chance: Chance): string {
  const pick = <T>(values: readonly T[]): T | undefined => values[chance(values.length)]
  const isInvite = request.kind === 'request' && request.method === 'INVITE'
  const status = isInvite ? pick(STATUSES) : pick([200, 200, 200, 481, 500])
  const tag = request.toTag === undefined ? `;tag=fork${chance(3)}` : ''
  const copied = request.headers.flatMap(({ key, name, value }) =>
    ['via', 'from', 'call-id', 'cseq'].includes(key) ? [`${name}: ${value}`] : [],
  )
  const extras = [pick(EXTRAS), pick(EXTRAS)].flatMap((line) => (line === undefined ? [] : [line]))
  const body = isInvite && chance(2) === 0 ? SDP : ''
  return [
    `SIP/2.0 ${String(status)} Whatever`,
    ...copied,
    `To: ${valueOf(request, 'to')}${tag}`,
    pick(CONTACTS) ?? '',
    ...extras.slice(0, chance(3)),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    `\r\n${body}`,
  ].join('\r\n')
}

/** The frame of an INVITE that an application wants sent to the phone. */
export function inviteFrame(id: string, port: number): string {
  const lines = [
    `${id}|sip||`,
    `INVITE sip:bob@127.0.0.1:${port} SIP/2.0`,
    'Supported: 100rel, timer',
    'Content-Type: application/sdp',
    `\r\n${SDP}`,
  ]
  return lines.join('\r\n')
}

/** What an application does next about a response to its request: PRACK, ACK, BYE and the like, in frames. */
export function reactTo(payload: string, words: readonly string[], turn: number): string[] {
  const [, , , , , , , , txn = '', dialogId = ''] = words
  const status = Number(/\r\nSIP\/2\.0 (\d+)/.exec(payload)?.[1])
  const [, cseq = '', method = ''] = /\r\nCSeq:\s*(\d+)\s+(\S+)/i.exec(payload) ?? []
  const inside = (first: string, extra = ''): string =>
    `react|sip||${dialogId}\r\n${first} sip:x SIP/2.0\r\n${extra}\r\n`
  if (method !== 'INVITE') return []
  if (status < 200) {
    const rseq = /\r\nRSeq:\s*(\d+)/i.exec(payload)?.[1]
    if (rseq !== undefined && turn % 4 > 0)
      return [inside('PRACK', `RAck: ${rseq} ${cseq} INVITE\r\n`)]
    return turn % 3 === 0 ? [`react|sip|${txn}|\r\nCANCEL sip:x SIP/2.0\r\n\r\n`] : []
  }
  if (status >= 300 || turn % 5 === 0) return []
  return turn % 2 === 0
    ? [inside('ACK')]
    : [inside('ACK'), inside(turn % 3 === 0 ? 'INVITE' : 'BYE')]
}
