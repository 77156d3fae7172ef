import { chanceOf } from '../faults/chance.ts'

/** Chance in a row: whole numbers from 0 to below `below`, the same for the same seed. */
export type Dice = (below: number) => number

/** Dice that fall the same way for the same seed. */
export function createDice(seed: number): Dice {
  let throws = 0
  return (below) => Math.floor(chanceOf(seed, `throw ${throws++}`) * below)
}

const METHODS = ['INVITE', 'OPTIONS', 'REGISTER', 'CANCEL', 'BYE', 'ACK', 'SUBSCRIBE', 'PRACK']
const BODY = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n'

/** A request that nothing is wrong with, unlike any before it with the same `number`. */
export function buildRequest(host: string, number: number, method = 'INVITE'): string {
  const lines = [
    `${method} sip:buyer@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP ${host};rport;branch=z9hG4bKsoak${number}`,
    'Max-Forwards: 70',
    `From: "A \\"stranger\\"" <sip:stranger@${host};x=y>;tag=s${number}`,
    'To: Buyer <sip:buyer@127.0.0.1>',
    `Call-ID: stranger-${number}@${host}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:stranger@${host};transport=udp>`,
    'Content-Type: application/sdp',
    `Content-Length: ${BODY.length}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${BODY}`
}

/** What is legal in SIP and seldom seen, and what is not and all the same sent. */
const ODDITIES: readonly ((request: string) => string)[] = [
  (request) => request.replaceAll(/^([\w-]+): /gm, '$1 \t:\r\n\t '),
  (request) => request.replace('Via:', 'v:').replace('From:', 'f:').replace('Call-ID:', 'I:'),
  (request) => request.replace('SIP/2.0', 'SIP/7.0'),
  (request) => request.replace('sip:buyer@127.0.0.1', 'http://127.0.0.1/'),
  (request) => request.replace('CSeq: 1', 'CSeq: 36893488147419103232'),
  (request) => request.replace(/^Content-Length: .*$/m, 'Content-Length: 9999'),
  (request) => request.replace(/^Content-Length: .*$/m, 'Content-Length: -1'),
  (request) => request.replace(/^Contact: .*\r\n/m, ''),
  (request) => request.replace(/^Max-Forwards: .*$/m, 'Max-Forwards: 0'),
  (request) => request.replace('Max-Forwards: 70', 'Require: nothing-of-the-kind'),
  (request) => request.replace('To: Buyer', `To: ${'"\\'.repeat(300)}`),
  (request) => request.replace('Max-Forwards: 70', `Via: SIP/2.0/UDP 192.0.2.1\r\n`.repeat(25)),
  (request) => request.replace(/tag=\w+/, ''),
  (request) => request.replace('INVITE', "!interesting-Method0123456789_*+`.%indeed'~"),
  (request) => request.replaceAll('\r\n', '\n'),
  () => '\r\n\r\n\0\0\0\0',
  () => '',
]

const SPECIALS = [
  ...Array.from('\r\n\0"<>;,\\|#%: \t\xff=@[]'),
  '\r\n',
  '\r\n\r\n',
  '4294967296',
  'x'.repeat(600),
]

/** A packet that somebody sends who means no good, or does not know what he does. */
export function buildHostile(dice: Dice, host: string, number: number): string {
  const method = METHODS[dice(METHODS.length)] ?? ''
  const request = buildRequest(host, number, method)
  if (dice(4) === 0) return ODDITIES[dice(ODDITIES.length)]?.(request) ?? request
  let text = request
  for (let times = dice(4); times > 0; times--) text = damage(text, dice)
  return text
}

function damage(text: string, dice: Dice): string {
  const at = dice(text.length)
  const special = SPECIALS[dice(SPECIALS.length)] ?? ''
  const [before, after] = [text.slice(0, at), text.slice(at)]
  switch (dice(4)) {
    case 0:
      return before + special + after
    case 1:
      return before + after.slice(dice(20))
    case 2:
      return before + special + after.slice(1)
    default:
      return before + after.slice(0, dice(60)).repeat(1 + dice(4)) + after
  }
}
