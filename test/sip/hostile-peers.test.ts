import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type Chance, createChance } from '../model/chance.ts'
import { waitFor } from '../support/wait.ts'
import { type Message, type Phone, SDP } from './engine/support/phone.ts'
import { fromBuyer, startService } from './support/service.ts'

type Some<T> = readonly [T, ...T[]]

const STATUSES: Some<number> = [
  180, 183, 199, 200, 200, 200, 200, 202, 299, 302, 399, 401, 407, 408, 420, 477, 481, 488, 491,
  499, 500, 503, 555, 599, 603, 607, 699, 700, 999,
]
const METHODS: Some<string> = [
  'INVITE',
  'UPDATE',
  'INFO',
  'INFO',
  'BYE',
  'REFER',
  'NOTIFY',
  'PRACK',
]
const OTHER_SDP = SDP.replace('1 1 IN', '1 2 IN')
const BODIES: Some<string> = ['', '', SDP, OTHER_SDP, 'v=0', 'Signal=5\r\n', '\r\n\r\n', 'm=audio']
const CONTACTS: Some<string | false | undefined> = [
  ...([undefined, undefined, undefined, undefined, undefined] as const),
  ...([false, '*', 'sip:', '<tel:+1>', '<>', '"', '<sip:@:>'] as const),
]
const HEADERS: Some<readonly string[]> = [
  [],
  [],
  ['Allow: UPDATE'],
  ['Require: 100rel', 'RSeq: 1'],
  ['RSeq: x'],
  ['WWW-Authenticate: Digest', 'Proxy-Authenticate: Digest realm="a'],
  ['WWW-Authenticate: Digest realm="a", nonce="b", qop="auth"'],
  ['Proxy-Authenticate: Digest realm="a", nonce="b", stale=true'],
  ['Reason: "'],
  ['Content-Type: application/dtmf-relay'],
]

/** Answers what has come to a phone in any way at all; gives the messages. */
function answerOddly(chance: Chance, phone: Phone): readonly Message[] {
  const messages = phone.inbox.splice(0)
  for (const message of messages) {
    if (message.kind === 'response' || message.method === 'ACK' || chance.below(8) === 0) continue
    if (message.method === 'INVITE' && chance.isLucky(0.5)) {
      phone.answer(message, 200, { body: SDP, headers: ['Allow: UPDATE'] })
      continue
    }
    const contact = chance.oneOf(CONTACTS)
    phone.answer(message, chance.oneOf(STATUSES), {
      body: chance.oneOf(BODIES),
      headers: chance.oneOf(HEADERS),
      ...(contact !== undefined && { contact }),
    })
  }
  return messages
}

/** Six calls at once among phones that know no rules, until the SIP server is gone. */
async function callOddly(chance: Chance) {
  const failed: string[] = []
  const log = {
    error: (event: string, { error }: { error?: unknown }) =>
      void failed.push(`${event} ${String(error)}`),
  }
  const auth = { username: 'bridge', password: 'secret' }
  const service = await startService({ buyers: 3, buyer: { auth, setupTimeoutMs: 40 }, log })
  const { callerPhone, buyers, dial, recorded } = service
  const callers = Array.from({ length: 6 }, () => dial({ body: chance.oneOf(BODIES) }))
  let cseq = 1
  for (let step = 0; step < 150; step++) {
    await turn()
    for (const message of answerOddly(chance, callerPhone)) {
      const caller = callers.find(({ sipCallId }) => sipCallId === message.sipCallId)
      if (!caller || message.kind === 'request' || message.cseqMethod !== 'INVITE') continue
      if (message.status >= 200) callerPhone.sendRaw(caller.ack(message, message.cseq))
      if (chance.below(20) === 0) callerPhone.sendRaw(caller.cancel())
      if (message.status !== 200 || chance.below(2) === 0) continue
      const [method, body] = [chance.oneOf(METHODS), chance.oneOf(BODIES)]
      callerPhone.sendRaw(caller.inDialog(message, method, ++cseq, { body }))
    }
    for (const buyer of buyers) {
      const invite = answerOddly(chance, buyer).find(
        (each) => each.kind === 'request' && each.method === 'INVITE',
      )
      if (!invite || chance.below(2) === 0) continue
      const [method, body] = [chance.oneOf(METHODS), chance.oneOf(BODIES)]
      buyer.sendRaw(fromBuyer(buyer, invite, { method, cseq: ++cseq, body }))
    }
  }
  await service.loseServer()
  const isOver = () => recorded.begun.length === recorded.ended.length
  await waitFor(isOver, { what: 'the end of every call' })
  await waitFor(() => service.controller.liveCalls() === 0, { what: 'no live call' })
  const reasons = recorded.ended.map(({ endReason }) => endReason)
  return { failed, reasons, bridged: recorded.bridged.length }
}

it('phones that know no rules end no process, leave no call behind, and find no mistake of ours', async () => {
  const heard: string[] = []
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const { failed, reasons, bridged } = await callOddly(createChance(seed))
    expect({ seed, failed }).toEqual({ seed, failed: [] })
    heard.push(...reasons, ...(bridged > 0 ? ['bridged'] : []))
  }
  // Else the phones have been too odd to get anywhere.
  expect(heard).toEqual(expect.arrayContaining(['bridged', 'bridge_lost']))
})
