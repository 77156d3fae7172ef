import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Phone, SDP } from '../support/phone.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let phone: Phone

beforeAll(async () => {
  world = await openWorld()
  phone = await world.phone()
  await world.application({
    invite: (_req, res) => res.send(486),
    options: (_req, res) => res.send(200),
    message: (_req, res) => res.send(200),
  })
})

afterEach(() => {
  phone.inbox.length = 0
})

afterAll(async () => {
  await world.close()
})

let last = 0

interface Changes {
  readonly method?: string
  readonly first?: string
  /** Lines that stand in for those of the same name. */
  readonly lines?: readonly string[]
  readonly leave?: readonly string[]
  readonly body?: string
}

/** A good request with what is to be wrong with it. */
function request({ first, leave = [], lines = [], method = 'INVITE', body = '' }: Changes): string {
  last++
  const good = [
    `Via: SIP/2.0/UDP 127.0.0.1:${phone.port};branch=z9hG4bK-refusal-${last}`,
    'Max-Forwards: 70',
    `From: <sip:caller@127.0.0.1:${phone.port}>;tag=t${last}`,
    'To: <sip:callee@127.0.0.1>',
    `Call-ID: refusal-${last}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:caller@127.0.0.1:${phone.port}>`,
  ]
  const nameOf = (line: string): string => line.slice(0, line.indexOf(':'))
  const replaced = new Set([...lines.map(nameOf), ...leave])
  const kept = good.filter((line) => !replaced.has(nameOf(line)))
  const start = first ?? `${method} sip:callee@127.0.0.1 SIP/2.0`
  return `${[start, ...kept, ...lines].join('\r\n')}\r\n\r\n${body}`
}

const via = (rest: string): string => `Via: SIP/2.0/UDP 127.0.0.1:${phone.port};branch=${rest}`

it.each<{ name: string; changes: () => Changes; status: number; with?: string }>([
  {
    name: 'a method it does not know',
    changes: () => ({ method: 'NEWMETHOD' }),
    status: 405,
    with: 'Allow: INVITE, ACK, ',
  },
  {
    name: 'a scheme it does not know (RFC 4475 unkscm)',
    changes: () => ({ first: 'INVITE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0' }),
    status: 416,
  },
  {
    name: 'a scheme for something else (novelsc)',
    changes: () => ({ first: 'INVITE soap.beep://192.0.2.103:3002 SIP/2.0' }),
    status: 416,
  },
  {
    name: 'an extension it does not have (bext01)',
    changes: () => ({ lines: ['Require: nothingSupportsThis, nothingSupportsThisEither'] }),
    status: 420,
    with: 'Unsupported: nothingSupportsThis, nothingSupportsThisEither\r\n',
  },
  { name: 'no hops left', changes: () => ({ lines: ['Max-Forwards: 0'] }), status: 483 },
  {
    name: 'hops beyond the scale (scalar02)',
    changes: () => ({ lines: ['Max-Forwards: 300'] }),
    status: 400,
  },
  { name: 'no Contact', changes: () => ({ leave: ['Contact'] }), status: 400 },
  {
    name: 'a Contact that is no SIP URI',
    changes: () => ({ lines: ['Contact: <tel:+15551230000>'] }),
    status: 400,
  },
  { name: 'a Contact of everything', changes: () => ({ lines: ['Contact: *'] }), status: 400 },
  {
    name: 'a Contact nobody can read (badinv01)',
    changes: () => ({ lines: ['Contact: "Joe" <sip:joe@example.org>;;;;,,;'], leave: ['Via'] }),
    status: 0,
  },
  {
    name: 'a Contact with nothing in it, which clients cannot read',
    changes: () => ({ lines: ['Contact: '] }),
    status: 400,
  },
  {
    name: 'a Contact that ends with a comma, which clients cannot read',
    changes: () => ({ lines: ['Contact: <sip:a@b.example>, '] }),
    status: 400,
  },
  { name: 'no From tag', changes: () => ({ lines: ['From: <sip:a@b.example>'] }), status: 400 },
  {
    name: 'a Request-URI in brackets (ltgtruri)',
    changes: () => ({ first: 'INVITE <sip:user@example.com> SIP/2.0' }),
    status: 400,
  },
  {
    name: 'blanks in the Request-URI (lwsruri)',
    changes: () => ({ first: 'INVITE sip:user@example.com; lr SIP/2.0' }),
    status: 400,
  },
  {
    name: 'several blanks in the first line (lwsstart)',
    changes: () => ({ first: 'INVITE  sip:user@example.com  SIP/2.0' }),
    status: 400,
  },
  {
    name: 'blanks after the first line (trws)',
    changes: () => ({ first: 'INVITE sip:remote-target@example.com SIP/2.0  ' }),
    status: 400,
  },
  {
    name: 'headers in the Request-URI (escruri)',
    changes: () => ({ first: 'INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0' }),
    status: 400,
  },
  {
    name: 'another version (badvers)',
    changes: () => ({ first: 'INVITE sip:user@example.com SIP/7.0' }),
    status: 505,
  },
  {
    name: 'two methods (mismatch01)',
    changes: () => ({ lines: ['CSeq: 8 OPTIONS'] }),
    status: 400,
  },
  {
    name: 'two methods, one unknown (mismatch02)',
    changes: () => ({ method: 'NEWMETHOD', lines: ['CSeq: 8 INVITE'] }),
    status: 400,
  },
  {
    name: 'a Content-Length too large (clerr)',
    changes: () => ({ lines: ['Content-Length: 9999'], body: SDP }),
    status: 400,
  },
  {
    name: 'a negative Content-Length (ncl)',
    changes: () => ({ lines: ['Content-Length: -999'] }),
    status: 400,
  },
  {
    name: 'Content-Lengths that disagree (mcl01)',
    changes: () => ({ lines: ['Content-Length: 0', 'Content-Length: 3'], body: 'abc' }),
    status: 400,
  },
  {
    name: 'a CSeq beyond the scale (scalar02)',
    changes: () => ({ lines: ['CSeq: 36893488147419103232 INVITE'] }),
    status: 400,
  },
  {
    name: 'a quotation that does not end (quotbal)',
    changes: () => ({ lines: ['To: "Mr. J. User <sip:j.user@example.com>'] }),
    status: 400,
  },
  {
    name: 'what may stand once only, twice (multi01)',
    changes: () => ({ lines: ['CSeq: 1 INVITE', 'CSeq: 2 INVITE'] }),
    status: 400,
  },
  { name: 'no To at all (insuf)', changes: () => ({ leave: ['To', 'Call-ID'] }), status: 400 },
  {
    name: 'a REGISTER whose Contact has headers outside brackets (regbadct)',
    changes: () => ({
      method: 'REGISTER',
      lines: ['Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E'],
    }),
    status: 400,
  },
  {
    name: 'more than 16 kB',
    changes: () => ({ lines: ['Content-Type: text/plain'], body: 'x'.repeat(16_384) }),
    status: 513,
  },
  {
    name: 'a Request-URI of more than 512 bytes',
    changes: () => ({ first: `INVITE sip:${'u'.repeat(520)}@example.com SIP/2.0` }),
    status: 414,
  },
  {
    name: 'more than 40 Via',
    changes: () => ({
      lines: [
        via('z9hG4bK-many'),
        ...Array.from({ length: 40 }, () => 'Via: SIP/2.0/UDP a;branch=b'),
      ],
    }),
    status: 400,
  },
  {
    name: 'a Record-Route nobody can follow',
    changes: () => ({ lines: ['Record-Route: <http://proxy.example>'] }),
    status: 400,
  },
  {
    name: 'a dialog that is to be ended without a tag',
    changes: () => ({ method: 'BYE' }),
    status: 481,
  },
  { name: 'a method nobody routes', changes: () => ({ method: 'REFER' }), status: 503 },
  { name: 'a SUBSCRIBE nobody routes', changes: () => ({ method: 'SUBSCRIBE' }), status: 503 },
])('refuses $name with $status', async ({ changes, status, with: line = '' }) => {
  const before = world.stack.stats().counters
  phone.sendRaw(request(changes()))
  if (status === 0) {
    phone.sendRaw(request({ method: 'OPTIONS' }))
    await phone.expect('200 OPTIONS')
    expect(world.stack.stats().counters['messagesDropped']).toBe(
      (before['messagesDropped'] ?? 0) + 1,
    )
    return
  }
  const refusal = await phone.expect(status)
  expect(refusal.text).toContain(line)
  expect(refusal.toTag ?? refusal.text).toBeTruthy()
})

it.each<{ name: string; changes: () => Changes; status: number }>([
  {
    name: 'OPTIONS with no hops left (zeromf)',
    changes: () => ({ method: 'OPTIONS', lines: ['Max-Forwards: 0'] }),
    status: 200,
  },
  {
    name: 'semicolons in the user part (semiuri)',
    changes: () => ({
      method: 'OPTIONS',
      first: 'OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0',
    }),
    status: 200,
  },
  {
    name: 'transports it does not speak in other Via (transports)',
    changes: () => ({
      method: 'OPTIONS',
      lines: [
        via('z9hG4bK-transports'),
        'Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf',
        'Via: SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bKasd0f3en',
      ],
    }),
    status: 200,
  },
  {
    name: 'a second message in the same datagram (dblreq)',
    changes: () => ({
      method: 'OPTIONS',
      lines: ['Content-Length: 0'],
      body: 'INVITE sip:joe@example.com SIP/2.0\r\nt: sip:joe@example.com\r\n\r\n',
    }),
    status: 200,
  },
  {
    name: 'escapes and NULs in the user part (esc01, escnull)',
    changes: () => ({
      method: 'OPTIONS',
      first: 'OPTIONS sip:sips%3Auser%40example.com@example.net SIP/2.0',
      lines: ['From: <sip:null-%00-null@example.com>;tag=839923423'],
    }),
    status: 200,
  },
  {
    name: 'odd tokens everywhere (intmeth, less its control characters)',
    changes: () => ({
      method: 'OPTIONS',
      lines: [
        'To: "BEL:\\. NUL:\\. DEL:\\." <sip:x@example.com>',
        "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"x\";tag=_token~1'+`*%!-.",
        'Call-ID: intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{',
        "extensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb",
      ],
    }),
    status: 200,
  },
  {
    name: 'odd spacing, folding and compact names (wsinv)',
    changes: () => ({
      method: 'OPTIONS',
      leave: ['Via', 'To', 'From', 'Call-ID', 'CSeq', 'Max-Forwards'],
      lines: [
        'TO :\r\n sip:vivekg@chair-dnrc.example.com ;   x    = 1918181833n',
        'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8',
        'MaX-fOrWaRdS: 0068',
        'i: wsinv.ndaksdj@192.0.2.1',
        'cseq: 0009\r\n  OPTIONS',
        `v:  SIP  / 2.0  / UDP\r\n    127.0.0.1:${phone.port};branch=390skdjuw`,
        's :',
        'NewFangledHeader:   newfangled value\r\n continued newfangled value',
      ],
    }),
    status: 200,
  },
  {
    name: 'a sender of RFC 2543 (inv2543)',
    changes: () => ({
      method: 'OPTIONS',
      lines: [`Via: SIP/2.0/UDP 127.0.0.1:${phone.port}`, 'From: <sip:iuser@example.com>'],
    }),
    status: 200,
  },
  {
    name: 'a branch that is the cookie alone (badbranch)',
    changes: () => ({ method: 'OPTIONS', lines: [via('z9hG4bK')] }),
    status: 200,
  },
  {
    name: 'a body of an unknown kind (invut), which is for applications to judge',
    changes: () => ({ lines: ['Content-Type: application/unknownformat'], body: '<audio/>' }),
    status: 486,
  },
  { name: 'a tel URI', changes: () => ({ first: 'INVITE tel:+15551230000 SIP/2.0' }), status: 486 },
])('accepts $name', async ({ changes, status }) => {
  phone.sendRaw(request(changes()))
  await phone.expect(status)
})

it('answers INVITE with 503 and Retry-After when nobody takes calls', async () => {
  const lonely = await openWorld()
  const caller = await lonely.phone()
  caller.sendRaw(request({}).replaceAll(String(phone.port), String(caller.port)))
  expect((await caller.expect(503)).text).toMatch(/\r\nRetry-After: \d+\r\n/)
  expect(lonely.stack.stats().tables['serverTransactions']).toBe(0)
  await lonely.close()
})

it('answers INVITE with 503 when it has as many calls as it may', async () => {
  const full = await openWorld({ limits: { dialogs: 0 } })
  const caller = await full.phone()
  await full.application({ invite: (_req, res) => res.send(486) })
  caller.sendRaw(request({}).replaceAll(String(phone.port), String(caller.port)))
  await caller.expect(503)
  await full.close()
})

it('answers a source beyond its limit once, and then stops listening to it', async () => {
  const guard = { requestsPerSecond: 0.001, burst: 2, exemptLoopback: false }
  const guarded = await openWorld({ guard })
  const caller = await guarded.phone()
  await guarded.application({ options: (_req, res) => res.send(200) })
  const options = (): string =>
    request({ method: 'OPTIONS' }).replaceAll(String(phone.port), String(caller.port))
  for (let sent = 0; sent < 9; sent++) caller.sendRaw(options())
  await eventually(
    () => guarded.stack.stats().counters['messagesDropped'] === 4,
    () => JSON.stringify(guarded.stack.stats().counters),
  )
  expect(guarded.stack.stats().counters).toMatchObject({ requestsLimited: 3, sourcesBanned: 1 })
  await caller.expect(503)
  const later = caller.inbox.map((message) => message.kind === 'response' && message.status)
  expect(later).not.toContain(503)
  await guarded.close()
})

it('gives every copy of a request the same answer without remembering it', async () => {
  const text = request({ method: 'REFER' })
  phone.sendRaw(text)
  const first = await phone.expect(503)
  phone.sendRaw(text)
  expect((await phone.expect(503)).text).toBe(first.text)
})

it.each(['\r\n\r\n', '\0', 'jaK', ''])(
  'keeps quiet about keep-alives and noise: %j',
  async (noise) => {
    phone.sendRaw(noise)
    phone.sendRaw(request({ method: 'OPTIONS' }))
    await phone.expect('200 OPTIONS')
  },
)

it.each([
  'SIP/2.0 200 OK',
  'SIP/2.0 4294967301 better not break the receiver',
  'SIP/2.0 100 Trying',
])('drops a response to nothing: %s', async (line) => {
  phone.sendRaw(request({ first: line }))
  phone.sendRaw(request({ method: 'OPTIONS' }))
  await phone.expect('200 OPTIONS')
})
