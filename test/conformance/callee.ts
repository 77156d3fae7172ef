import type { Message, Phone } from '../sip/engine/support/phone.ts'

/** A request of the called phone inside the dialog that its answer made, with the tag `phonetag`. */
export function fromCallee(
  phone: Phone,
  invite: Message,
  method: string,
  parts: { readonly cseq: number; readonly headers?: readonly string[]; readonly body?: string },
): string {
  const { body = '', cseq, headers = [] } = parts
  const value = (key: string): string =>
    invite.headers.find((field) => field.key === key)?.value ?? ''
  const target = /<([^>]+)>/.exec(value('contact'))?.[1] ?? ''
  const here = `${phone.host}:${phone.port}`
  const lines = [
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${here};rport;branch=z9hG4bK-callee-${invite.sipCallId}-${method}-${cseq}`,
    'Max-Forwards: 70',
    `From: ${value('to')};tag=phonetag`,
    `To: ${value('from')}`,
    `Call-ID: ${invite.sipCallId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:phone@${here}>`,
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
