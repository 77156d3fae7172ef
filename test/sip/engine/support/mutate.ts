import { SDP } from './phone.ts'

/** Gives a whole number from 0 up to, and without, `below`. */
export type Chance = (below: number) => number

/** Numbers that look like chance and are the same for the same seed. */
export function createChance(seed: number): Chance {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** The tag that answers are given, so that requests can be sent into the dialogs they make. */
export const ANSWER_TAG = 'answered'

/**
 * Good messages of every kind, outside and inside dialogs, to be damaged. What is to differ from packet to
 * packet is `BRANCH`, from call to call `CALL`, and from request to request of one call `NUMBER`.
 */
export function goodMessages(port: number): readonly string[] {
  const common = (method: string): string[] => [
    `${method} sip:+18005550100@127.0.0.1;user=phone SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};rport;branch=z9hG4bK-BRANCH`,
    'Max-Forwards: 70',
    'From: "Caller \\"C\\"" <sip:+15551234567@192.0.2.1;x=y>;tag=abc;p="q;r"',
    'To: Callee <sip:+18005550100@127.0.0.1>',
    'Call-ID: CALL@test',
    `CSeq: NUMBER ${method}`,
    'RAck: 1 1 INVITE',
    'Contact: <sip:caller@127.0.0.1:5999;transport=udp>;expires=60, <sip:other@192.0.2.2>',
    'Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>',
    'Session-Expires: 600;refresher=uac',
    'Supported: timer, 100rel',
    'Content-Type: application/sdp',
    `Content-Length: ${SDP.length}`,
  ]
  const text = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n${SDP}`
  const invite = common('INVITE')
  return [
    ...METHODS.map((method) => text(common(method))),
    text(['SIP/2.0 200 OK', ...invite.slice(1)]),
    text(invite.map((line) => line.replace(': ', ' :\r\n\t'))),
    text(invite.map((line) => line.replace('Call-ID', 'i').replace('Via', 'v'))),
    ...INSIDE.map((method) =>
      text(common(method).map((line) => line.replace(/^(To: .*)$/, `$1;tag=${ANSWER_TAG}`))),
    ),
  ]
}

const INSIDE = 'INVITE BYE ACK INFO UPDATE PRACK NOTIFY REFER'.split(' ')

const METHODS =
  'INVITE OPTIONS REGISTER MESSAGE CANCEL BYE ACK SUBSCRIBE PRACK UPDATE INFO NOTIFY REFER'.split(
    ' ',
  )

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

/** Damages a message in one to four places. */
export function mutate(seed: string, chance: Chance): string {
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
