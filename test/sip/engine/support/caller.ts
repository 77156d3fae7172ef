import { randomUUID } from 'node:crypto'
import { bracketed, type Message, type Phone, SDP } from './phone.ts'

/** The lines of one call as its caller sends them. */
export interface Caller {
  readonly sipCallId: string
  readonly invite: (parts?: Parts & { readonly uri?: string }) => string
  readonly ack: (answer: Message, cseq?: number) => string
  readonly cancel: () => string
  /** A request inside the dialog that the answer made. */
  readonly inDialog: (answer: Message, method: string, cseq: number, parts?: Parts) => string
}

interface Parts {
  readonly headers?: readonly string[]
  readonly body?: string
}

interface Wanted extends Parts {
  readonly method: string
  readonly cseq: number
  readonly branch: string
  readonly to: string
  readonly uri: string
}

/** A server that outlives a run remembers the calls of the last one. */
const RUN = randomUUID().slice(0, 8)

let lastCall = 0

/** Writes the messages of a caller at a phone. */
export function caller(phone: Phone, enginePort: number): Caller {
  lastCall++
  const call = lastCall
  const sipCallId = `call-${call}@${RUN}`
  const engine = `${bracketed(phone.host)}:${enginePort}`
  const callee = `sip:+18005550100@${engine}`
  const contact = `Contact: <sip:caller@${bracketed(phone.host)}:${phone.port}>`
  const write = (wanted: Wanted): string => compose(phone, { sipCallId, call }, wanted)
  const toOf = (answer: Message): string =>
    answer.headers.find((header) => header.key === 'to')?.value ?? ''
  return {
    sipCallId,
    invite: ({ headers = [], uri = callee, body = SDP } = {}) =>
      write({
        method: 'INVITE',
        cseq: 1,
        branch: 'invite',
        to: `<${callee}>`,
        uri,
        headers: [contact, ...headers],
        body,
      }),
    ack: (answer, cseq = 1) =>
      write({ method: 'ACK', cseq, branch: `ack-${cseq}`, to: toOf(answer), uri: `sip:${engine}` }),
    cancel: () =>
      write({
        method: 'CANCEL',
        cseq: 1,
        branch: 'invite',
        to: `<${callee}>`,
        uri: callee,
        headers: ['Reason: SIP;cause=200;text="Call completed elsewhere"'],
      }),
    inDialog: (answer, method, cseq, { headers = [], body = '' } = {}) =>
      write({
        method,
        cseq,
        branch: `${method}-${cseq}`,
        to: toOf(answer),
        uri: `sip:${engine}`,
        headers: [...(method === 'INVITE' ? [contact] : []), ...headers],
        body,
      }),
  }
}

function compose(
  { host, port }: Phone,
  { call, sipCallId }: { readonly call: number; readonly sipCallId: string },
  { body = '', branch, cseq, headers = [], method, to, uri }: Wanted,
): string {
  const here = `${bracketed(host)}:${port}`
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${here};rport;branch=z9hG4bK-${RUN}-${call}-${branch}`,
    'Max-Forwards: 70',
    `From: "Cällér" <sip:+15551234567@${here}>;tag=caller${call}`,
    `To: ${to}`,
    `Call-ID: ${sipCallId}`,
    `CSeq: ${cseq} ${method}`,
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ]
  return `${Buffer.from(lines.join('\r\n'), 'utf8').toString('latin1')}\r\n\r\n${body}`
}
