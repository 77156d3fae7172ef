/**
 * What becomes of a message: the final response to it, nothing at all, or the end of the connection
 * that it came on.
 */
export type Answer = number | 'nothing' | 'closed'

/** A message of an RFC and what a user agent server does with it. */
export interface TortureCase {
  /** The file beside this one, named as in the RFC, without `.sip`. */
  readonly name: string
  readonly udp: Answer
  /** Over TCP, if it is another answer: there Content-Length decides where a message ends. */
  readonly tcp?: Answer
  /** Lines that the answer has to hold. */
  readonly with?: readonly string[]
  /** What is odd about the message, and why that is the answer. */
  readonly why: string
}

/** The application of these tests takes every method: 486 to INVITE, 200 to all others. */
const TAKEN = { INVITE: 486, OTHER: 200 } as const

/** All 49 messages of RFC 4475, in its order. @see RFC 4475 §3 */
export const RFC_4475: readonly TortureCase[] = [
  // 3.1.1 Valid messages
  {
    name: 'wsinv',
    udp: 481,
    with: [
      'From: "J Rosenberg \\\\\\""       <sip:jdrosen@example.com> ; tag = 98asjd8',
      'CSeq: 0009 INVITE',
    ],
    why: 'every spelling the grammar allows; its To tag names a dialog that nobody has',
  },
  { name: 'intmeth', udp: 405, why: 'every character a method may have: well-formed and unknown' },
  { name: 'esc01', udp: TAKEN.INVITE, why: 'escapes wherever they may be' },
  { name: 'escnull', udp: TAKEN.OTHER, why: 'an escaped NUL is a character like any other' },
  { name: 'esc02', udp: 405, why: 'a % in a method is no escape: this is not REGISTER' },
  { name: 'lwsdisp', udp: TAKEN.OTHER, why: 'no blank between display name and <' },
  { name: 'longreq', udp: TAKEN.INVITE, why: 'long values all over' },
  {
    name: 'dblreq',
    udp: TAKEN.OTHER,
    tcp: 400,
    why: 'a datagram holds one message; on a stream the INVITE behind it is refused first: no Contact',
  },
  { name: 'semiuri', udp: TAKEN.OTHER, why: 'semicolons belong to the user part before an @' },
  { name: 'transports', udp: TAKEN.OTHER, why: 'known and unknown transports in other Via' },
  { name: 'mpart01', udp: TAKEN.OTHER, why: 'a body of several parts with bytes of all kinds' },
  { name: 'unreason', udp: 'nothing', why: 'a response to nothing, its reason not ASCII' },
  { name: 'noreason', udp: 'nothing', why: 'a response to nothing, without a reason' },
  // 3.1.2 Invalid messages
  { name: 'badinv01', udp: 400, why: 'separators with nothing between them in Via and Contact' },
  {
    name: 'clerr',
    udp: 400,
    tcp: 'nothing',
    why: 'more was promised; a stream still waits for it',
  },
  { name: 'ncl', udp: 400, why: 'a negative Content-Length' },
  { name: 'scalar02', udp: 400, why: 'numbers too large for what they count' },
  { name: 'scalarlg', udp: 'nothing', why: 'a response with numbers too large' },
  { name: 'quotbal', udp: 400, why: 'a quotation that does not end' },
  { name: 'ltgtruri', udp: 400, why: 'a Request-URI in brackets' },
  { name: 'lwsruri', udp: 400, why: 'a blank inside the Request-URI' },
  { name: 'lwsstart', udp: 400, why: 'more than one blank between the words of the first line' },
  { name: 'trws', udp: 400, why: 'blanks after the first line' },
  { name: 'escruri', udp: 400, why: 'headers in a Request-URI' },
  { name: 'baddate', udp: TAKEN.INVITE, why: 'a Date that is not GMT: nothing depends on it' },
  { name: 'regbadct', udp: 400, why: 'a Contact whose ? is not inside brackets' },
  { name: 'badaspec', udp: TAKEN.OTHER, why: 'blanks inside brackets do no harm' },
  { name: 'baddn', udp: 400, why: 'a comma in a display name without quotes' },
  { name: 'badvers', udp: 505, why: 'another version of SIP' },
  { name: 'mismatch01', udp: 400, why: 'two methods' },
  { name: 'mismatch02', udp: 400, why: 'two methods, one of them unknown' },
  { name: 'bigcode', udp: 'nothing', why: 'a status that is none' },
  // 3.2 Transaction layer semantics
  { name: 'badbranch', udp: TAKEN.OTHER, why: 'a branch that is the cookie alone' },
  // 3.3 Application layer semantics
  { name: 'insuf', udp: 400, why: 'no To, From or Call-ID' },
  { name: 'unkscm', udp: 416, why: 'a Request-URI of a scheme nobody knows' },
  { name: 'novelsc', udp: 416, why: 'a Request-URI of a scheme for something else' },
  { name: 'unksm2', udp: TAKEN.OTHER, why: 'schemes in From, To and Contact are for applications' },
  {
    name: 'bext01',
    udp: 420,
    with: ['Unsupported: nothingSupportsThis, nothingSupportsThisEither'],
    why: 'requires what nobody supports; Proxy-Require is none of our business',
  },
  { name: 'invut', udp: TAKEN.INVITE, why: 'bodies are for applications to judge (415)' },
  { name: 'regaut01', udp: TAKEN.OTHER, why: 'credentials are for applications to judge' },
  { name: 'multi01', udp: 400, why: 'what may stand once stands twice' },
  { name: 'mcl01', udp: 400, why: 'Content-Lengths that disagree' },
  { name: 'bcast', udp: 'nothing', why: 'a response that would have us answer to everybody' },
  { name: 'zeromf', udp: TAKEN.OTHER, why: 'OPTIONS that ends here may have no hops left' },
  { name: 'cparam01', udp: TAKEN.OTHER, why: 'an unknown parameter of a Contact' },
  { name: 'cparam02', udp: TAKEN.OTHER, why: 'an unknown parameter of the URI in a Contact' },
  { name: 'regescrt', udp: TAKEN.OTHER, why: 'headers in the URI of a Contact' },
  { name: 'sdp01', udp: TAKEN.INVITE, why: 'what the caller accepts is for applications to judge' },
  // 3.4 Backward compatibility
  {
    name: 'inv2543',
    udp: 400,
    why: 'a caller of RFC 2543 without tag and Contact: it could not be hung up',
  },
]

/**
 * The messages of RFC 5118, in its order. Where the length it prints is not that of the body it prints
 * (§4.6, §4.8, §4.9) the files say the right one.
 *
 * @see RFC 5118 §4
 */
export const RFC_5118: readonly TortureCase[] = [
  { name: 'ipv6-good', udp: TAKEN.OTHER, why: 'an address in brackets' },
  { name: 'ipv6-bad', udp: 400, why: 'an address without brackets' },
  { name: 'port-ambiguous', udp: TAKEN.OTHER, why: 'what looks like a port is the last group' },
  { name: 'port-unambiguous', udp: TAKEN.OTHER, why: 'a port behind the bracket' },
  {
    name: 'via-received-param-with-delim',
    udp: 481,
    why: 'received in brackets, which the grammar forbids and peers write; a dialog nobody has',
  },
  { name: 'via-received-param-no-delim', udp: TAKEN.OTHER, why: 'received without brackets' },
  { name: 'ipv6-in-sdp', udp: TAKEN.INVITE, why: 'IPv6 in the description' },
  { name: 'mult-ip-in-header', udp: 481, why: 'both families in Via; a dialog nobody has' },
  { name: 'mult-ip-in-sdp', udp: TAKEN.INVITE, why: 'both families in the description' },
  { name: 'ipv4-mapped-ipv6', udp: TAKEN.INVITE, why: 'IPv4 written as IPv6' },
  { name: 'ipv6-bug-abnf-3-colons', udp: 400, why: 'three colons, by a slip of RFC 3261' },
  { name: 'ipv6-correct-abnf-2-colons', udp: TAKEN.OTHER, why: 'two colons, as RFC 3986 has it' },
]
