import assert from 'node:assert/strict'
import { type Message, type Phone, SDP, valueOf } from '../../sip/engine/support/phone.ts'
import type { Frames } from '../frames.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'

const invite = (uri: string, lines: readonly string[] = [], body = ''): string =>
  [`INVITE ${uri} SIP/2.0`, ...lines, '', body].join('\r\n')

/** What the application gets to hear when it wants an INVITE sent that cannot be. */
async function expectRefusal(stage: Stage, uri: string, expected: RegExp): Promise<void> {
  const { words } = await (await stage.frames()).ask('sip||', invite(uri))
  assert.equal(words[0], 'NOK')
  assert.match(words[1] ?? '', expected)
}

/** A call that an application with frames of its own has been asked about. */
async function askedCall(stage: Stage, change: (invite: string) => string = (text) => text) {
  const [frames, phone] = [await stage.frames(), await stage.phone()]
  await frames.ask('route|invite')
  const call = stage.callFrom(phone)
  const text = change(call.invite())
  phone.sendRaw(text)
  const delivered = await frames.delivered('INVITE ')
  const txn = delivered.words[8] ?? ''
  const refuse = async (): Promise<Message> => {
    await frames.ask(`sip|${txn}|`, 'SIP/2.0 486 Busy Here\r\n\r\n')
    const busy = await phone.expect(486)
    phone.sendRaw(call.ack(busy))
    return busy
  }
  return { frames, phone, call, text, delivered: delivered.text, refuse }
}

/** An INVITE of an application that carries so many bytes of body arrives with all of them. */
async function carries(stage: Stage, bytes: number): Promise<void> {
  const [frames, phone] = [await stage.frames(), await stage.phone()]
  const body = SDP + 'a=x\r\n'.repeat(Math.ceil((bytes - SDP.length) / 5))
  await frames.ask('sip||', invite(`sip:bob@127.0.0.1:${phone.port}`, [], body))
  const received = await phone.expect('INVITE')
  assert.equal(received.body.length, body.length)
  phone.answer(received, 486)
  await frames.delivered('SIP/2.0 486 ')
}

/** Proves that nothing of this kind has come to the application, by what comes after it for certain. */
async function expectNothing(
  stage: Stage,
  { frames, phone }: { readonly frames: Frames; readonly phone: Phone },
  start: string,
): Promise<void> {
  phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'OPTIONS'))
  await phone.expect('503 OPTIONS')
  await frames.ask('ping')
  assert.ok(!frames.has(start), `a frame with ${start}`)
}

/** Frames at their limits, refusals in their words, and what applications are not bothered with. */
export const FRAME_CASES: readonly Case[] = [
  {
    name: 'a length of six digits ends the connection',
    run: async (stage) => {
      const frames = await stage.frames()
      frames.write('100000#')
      await frames.closed()
    },
  },
  {
    name: 'a frame of 10 kB is carried out',
    run: (stage) => carries(stage, 10_000),
  },
  {
    name: 'a frame of 40 kB is carried out',
    run: (stage) => carries(stage, 40_000),
    differs: {
      why: 'drachtio-server takes 12,228 bytes at most, and an application must not send it more',
      run: (stage) => carries(stage, 10_000),
    },
  },
  {
    name: 'a transport that is not listened on is refused in these words',
    run: (stage) =>
      expectRefusal(stage, 'sip:x@127.0.0.1;transport=sctp', /transport not available/),
  },
  {
    name: 'a request to the server itself is refused in these words',
    run: (stage) => {
      const { host, port } = stage.subject.sip
      return expectRefusal(stage, `sip:x@${host}:${port}`, /can not send request to myself/)
    },
  },
  {
    name: 'a URI that is none is refused in these words',
    run: (stage) => expectRefusal(stage, 'sip:', /invalid request-uri/),
  },
  {
    name: 'the Content-Length of an application is counted again',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const uri = `sip:bob@127.0.0.1:${phone.port}`
      await frames.ask('sip||', invite(uri, ['Content-Length: 3'], SDP))
      const received = await phone.expect('INVITE')
      assert.equal(received.body, SDP)
      phone.answer(received, 486)
      await frames.delivered('SIP/2.0 486 ')
    },
  },
  {
    name: 'an INVITE that is repeated is answered again, and delivered once',
    run: async (stage) => {
      const { frames, phone, refuse, text } = await askedCall(stage)
      await phone.expect(100)
      phone.sendRaw(text)
      await phone.expect(100)
      await refuse()
      await expectNothing(stage, { frames, phone }, 'INVITE ')
    },
    differs: {
      why: 'drachtio-server forgets its 100 (RFC 3261 §17.2.1 asks for it again) and delivers once too',
      run: async (stage) => {
        const { frames, phone, refuse, text } = await askedCall(stage)
        await phone.expect(100)
        phone.sendRaw(text)
        await refuse()
        await expectNothing(stage, { frames, phone }, 'INVITE ')
      },
    },
  },
  {
    name: 'the ACK of a refusal is not delivered',
    run: async (stage) => {
      const { frames, phone, refuse } = await askedCall(stage)
      await refuse()
      await expectNothing(stage, { frames, phone }, 'ACK ')
    },
  },
  {
    name: 'a folded header of a caller is delivered in one line',
    run: async (stage) => {
      const { delivered, refuse } = await askedCall(stage, (text) =>
        text.replace('Max-Forwards', 'Subject: one\r\n two\r\nMax-Forwards'),
      )
      assert.match(delivered, /\r\nSubject: one two\r\n/)
      await refuse()
    },
    differs: {
      why: 'drachtio-server delivers the fold, and a client that copies the value breaks its own message',
      run: async (stage) => {
        const { delivered, refuse } = await askedCall(stage, (text) =>
          text.replace('Max-Forwards', 'Subject: one\r\n two\r\nMax-Forwards'),
        )
        assert.match(delivered, /\r\nSubject: one\r\n two\r\n/)
        await refuse()
      },
    },
  },
  {
    name: 'a 200 that is repeated is acknowledged again, and delivered once',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('sip||', invite(`sip:bob@127.0.0.1:${phone.port}`))
      const received = await phone.expect('INVITE')
      phone.answer(received, 200, { body: SDP })
      const { words } = await frames.delivered('SIP/2.0 200 ')
      await frames.ask(`sip||${words[9]}`, 'ACK sip:placeholder SIP/2.0\r\n\r\n')
      const ack = await phone.expect('ACK')
      phone.answer(received, 200, { body: SDP })
      assert.equal((await phone.expect('ACK')).cseq, ack.cseq)
      await expectNothing(stage, { frames, phone }, 'SIP/2.0 200 ')
      await frames.ask(`sip||${words[9]}`, 'BYE sip:placeholder SIP/2.0\r\n\r\n')
      phone.answer(await phone.expect('BYE'), 200)
    },
  },
  {
    name: 'an ACK of the application to a refusal is refused in these words',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('sip||', invite(`sip:bob@127.0.0.1:${phone.port}`))
      phone.answer(await phone.expect('INVITE'), 486)
      await phone.expect('ACK')
      const refusal = await frames.delivered('SIP/2.0 486 ')
      const { words } = await frames.ask(
        `sip||${refusal.words[9]}`,
        'ACK sip:placeholder SIP/2.0\r\n\r\n',
      )
      assert.equal(words[0], 'NOK')
    },
  },
  {
    name: 'a CANCEL of the application has a transaction of its own, and its 200 is not delivered',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const sent = await frames.ask('sip||', invite(`sip:bob@127.0.0.1:${phone.port}`))
      const received = await phone.expect('INVITE')
      phone.answer(received, 180)
      await frames.delivered('SIP/2.0 180 ')
      const txn = sent.words[7] ?? ''
      const { words } = await frames.ask(
        `sip|${txn}|`,
        'CANCEL sip:placeholder SIP/2.0\r\nReason: SIP;cause=200\r\n\r\n',
      )
      assert.equal(words[0], 'OK')
      assert.notEqual(words[7], txn)
      const cancel = await phone.expect('CANCEL')
      assert.equal(valueOf(cancel, 'reason'), 'SIP;cause=200')
      phone.answer(cancel, 200)
      phone.answer(received, 487)
      assert.equal((await frames.delivered('SIP/2.0 487 ')).words[8], txn)
      await expectNothing(stage, { frames, phone }, 'SIP/2.0 200 ')
    },
  },
  {
    name: 'a call that rings for ever is cancelled by Timer C',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('sip||', invite(`sip:bob@127.0.0.1:${phone.port}`))
      const received = await phone.expect('INVITE')
      phone.answer(received, 180)
      phone.answer(await stage.expectWithin(phone, 'CANCEL', 220), 200)
      phone.answer(received, 487)
      await phone.expect('ACK')
      await frames.delivered('SIP/2.0 487 ')
    },
    differs: {
      why: 'drachtio-server lets it ring (RFC 3261 §16.6 has Timer C for proxies, of which a bridge is kin)',
      run: async (stage) => {
        const [frames, phone] = [await stage.frames(), await stage.phone()]
        await frames.ask('sip||', invite(`sip:bob@127.0.0.1:${phone.port}`))
        const received = await phone.expect('INVITE')
        phone.answer(received, 180)
        phone.answer(received, 486)
        await frames.delivered('SIP/2.0 486 ')
      },
    },
  },
]
