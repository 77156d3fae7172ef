/** The few SIP messages that the stopwatch's caller and buyer need, as text. */

/** The value of the first header of that name; empty if there is none. */
export function header(message: string, name: string): string {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*)$`, 'im').exec(message)?.[1]?.trim() ?? ''
}

/** Which call it is: the number in the `o=` line of its SDP, which a B2BUA passes on unchanged. */
export function callNumber(message: string): number | undefined {
  const digits = /^o=- (\d+) /m.exec(message)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** A request of the caller; `to` and `target` are those of the dialog once there is one. */
export function buildRequest(options: {
  readonly method: 'INVITE' | 'ACK' | 'BYE'
  readonly call: number
  readonly port: number
  readonly target: string
  readonly to: string
  readonly routes?: readonly string[]
}): string {
  const { method, call, port, target, to, routes = [] } = options
  const sequence = method === 'BYE' ? 2 : 1
  return withBody(
    [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${call}${method}`,
      ...routes.map((route) => `Route: ${route}`),
      'Max-Forwards: 70',
      `From: <sip:+1212${2_000_000 + call}@127.0.0.1:${port}>;tag=caller${call}`,
      `To: ${to}`,
      `Call-ID: ${call}.${port}@stopwatch`,
      `CSeq: ${sequence} ${method}`,
      `Contact: <sip:caller@127.0.0.1:${port}>`,
    ],
    method === 'INVITE' ? sdp(call) : '',
  )
}

/** The buyer's 200, to an INVITE with an answer in it. */
export function buildOk(request: string, port: number): string {
  const copied = request
    .split('\r\n')
    .filter((line) => /^(?:Via|From|Call-ID|CSeq|Record-Route)[ \t]*:/i.test(line))
  const to = header(request, 'To')
  const call = request.startsWith('INVITE') ? callNumber(request) : undefined
  return withBody(
    [
      'SIP/2.0 200 OK',
      ...copied,
      `To: ${/;tag=/i.test(to) ? to : `${to};tag=buyer`}`,
      `Contact: <sip:buyer@127.0.0.1:${port}>`,
    ],
    call === undefined ? '' : sdp(call),
  )
}

function withBody(headers: readonly string[], body: string): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp']
  return [...headers, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n')
}

function sdp(call: number): string {
  const lines = [
    'v=0',
    `o=- ${call} 1 IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 9 RTP/AVP 0',
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}
