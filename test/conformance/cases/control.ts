import assert from 'node:assert/strict'
import { frame } from '../../../src/sip/engine/control/framing.ts'
import type { SrfLike } from '../../sip/engine/support/application.ts'
import type { Frames } from '../frames.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'

/** Asks for something and expects these words at the start of what the server says. */
async function expectWords(frames: Frames, words: string, expected: readonly string[]) {
  const verdict = await frames.ask(words)
  assert.deepEqual(verdict.words.slice(0, expected.length), expected)
}

/** What was asked of the server before is done once this is refused. */
async function untilAnswered(srf: SrfLike): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  srf.request('sip:nobody@127.0.0.1', { method: 'OPTIONS', body: 'of no type' }, () => {
    resolve()
  })
  await promise
}

const INVITE = (uri: string, ...headers: readonly string[]): string =>
  [`INVITE ${uri} SIP/2.0`, ...headers, 'Content-Length: 0', '', ''].join('\r\n')

const headerOf = (text: string, name: string): string =>
  new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1] ?? ''

const here = ({ subject }: Stage): string => `${subject.sip.host}:${subject.sip.port}`

/** The control protocol itself: frames, words and what is said about them. */
export const CONTROL_CASES: readonly Case[] = [
  {
    name: 'authenticate is answered with the addresses and a version that can ping',
    run: async (stage) => {
      const frames = await stage.strangeFrames()
      const { words } = await frames.ask(`authenticate|${stage.subject.secret}|tag`)
      assert.equal(words[0], 'OK')
      assert.ok(words[1]?.split(',').includes(`udp/${here(stage)}`), words[1])
      assert.match(words[2] ?? '', /^v0\.(8\.[2-9]|9\.)/)
    },
  },
  {
    name: 'a wrong secret is refused and ends the connection',
    run: async (stage) => {
      const frames = await stage.strangeFrames()
      await expectWords(frames, 'authenticate|wrong|', ['NO', 'incorrect secret'])
      await frames.closed()
    },
  },
  {
    name: 'nothing is accepted of a connection that has not shown the secret',
    run: async (stage) => {
      const frames = await stage.strangeFrames()
      await expectWords(frames, 'route|invite', ['NO', 'incorrect secret'])
      await frames.closed()
    },
    differs: {
      why: 'drachtio-server does not check; whoever reaches its port may route and call',
      run: async (stage) => {
        const frames = await stage.strangeFrames()
        await expectWords(frames, 'route|invite', ['OK'])
      },
    },
  },
  {
    name: 'ping is answered with pong',
    run: async (stage) => expectWords(await stage.frames(), 'ping', ['OK', 'pong']),
  },
  {
    name: 'remove_route ends one verb and leaves the others',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await expectWords(frames, 'route|invite', ['OK'])
      await expectWords(frames, 'route|message', ['OK'])
      await expectWords(frames, 'remove_route|invite', ['OK'])
      phone.sendRaw(stage.callFrom(phone).invite())
      await phone.expect(503)
      phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'MESSAGE'))
      await frames.delivered('MESSAGE ')
    },
    differs: {
      why: 'drachtio-server ends every verb of the connection',
      run: async (stage) => {
        const [frames, phone] = [await stage.frames(), await stage.phone()]
        await expectWords(frames, 'route|invite', ['OK'])
        await expectWords(frames, 'route|message', ['OK'])
        await expectWords(frames, 'remove_route|invite', ['OK'])
        phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'MESSAGE'))
        await phone.expect(503)
      },
    },
  },
  {
    name: 'unregisterForMessages and reregisterForMessages take a verb back and again',
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application({ message: (_req, res) => res.send(202) })
      const send = async (status: number): Promise<void> => {
        phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'MESSAGE'))
        await phone.expect(`${status} MESSAGE`)
      }
      const verbs = srf as unknown as Record<
        'unregisterForMessages' | 'reregisterForMessages',
        (verb: string) => void
      >
      await send(202)
      verbs.unregisterForMessages('message')
      await untilAnswered(srf)
      await send(503)
      verbs.reregisterForMessages('message')
      await untilAnswered(srf)
      await send(202)
    },
  },
  {
    name: 'an unknown kind of message is refused and ends the connection',
    run: async (stage) => {
      const frames = await stage.frames()
      await expectWords(frames, 'dance', ['NO', 'Unknown message type'])
      await frames.closed()
    },
  },
  {
    name: 'a length that is no number ends the connection',
    run: async (stage) => {
      const frames = await stage.frames()
      frames.write('12x45#id|ping')
      await frames.closed()
    },
  },
  {
    name: 'frames may be split anywhere',
    run: async (stage) => {
      const frames = await stage.frames()
      const pong = frames.ask('ping')
      const bytes = frame('other|ping') + frame('another|ping')
      for (const byte of bytes) {
        frames.write(byte)
        await new Promise(setImmediate)
      }
      await pong
      await expectWords(frames, 'ping', ['OK', 'pong'])
    },
  },
  {
    name: 'proxy is refused with a sentence',
    run: async (stage) => {
      const frames = await stage.frames()
      const words = 'proxy|txn|remainInDialog||||||sip:x@127.0.0.1'
      await expectWords(frames, words, ['NOK', 'proxy not supported'])
    },
    differs: {
      why: 'drachtio-server is a proxy too, which a bridge does not need',
      run: async (stage) => {
        const { words } = await (
          await stage.frames()
        ).ask('proxy|txn|remainInDialog||||||sip:x@127.0.0.1', INVITE('sip:x@127.0.0.1'))
        assert.match(words.join('|'), /^NOK\|Unknown transaction id/)
      },
    },
  },
  {
    name: 'a new request comes with the address it was received on and no dialog',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('route|invite')
      const call = stage.callFrom(phone)
      phone.sendRaw(call.invite())
      const { text, words } = await frames.delivered('INVITE ')
      assert.equal(words.length, 13)
      const [, type, source, , transport, address, port, time] = words
      assert.deepEqual([type, source, transport], ['sip', 'network', 'udp'])
      assert.deepEqual([address, port], [phone.host, String(phone.port)])
      assert.match(time ?? '', /^\d\d:\d\d:\d\d\.\d{6}$/)
      assert.equal(words[9], '')
      assert.deepEqual(words.slice(10, 12), [
        stage.subject.sip.host,
        String(stage.subject.sip.port),
      ])
      assert.match(text, /;rport=\d+/)
    },
  },
  {
    name: 'the echo of a response names the transaction and the dialog',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('route|invite')
      const call = stage.callFrom(phone)
      phone.sendRaw(call.invite())
      const txn = (await frames.delivered('INVITE ')).words[8] ?? ''
      const { text, words } = await frames.ask(`sip|${txn}|`, 'SIP/2.0 180 Ringing\r\n\r\n')
      const ringing = await phone.expect(180)
      assert.deepEqual(words.slice(0, 2), ['OK', 'application'])
      assert.equal(words[7], txn)
      assert.equal(words[8], `${call.sipCallId};from-tag=${ringing.fromTag}`)
      assert.match(text, /^SIP\/2\.0 180 Ringing\r\n/)
      await frames.ask(`sip|${txn}|`, 'SIP/2.0 486 Busy Here\r\n\r\n')
      phone.sendRaw(call.ack(await phone.expect(486)))
    },
  },
  {
    name: 'a response to no transaction is refused in these words',
    run: async (stage) => {
      const frames = await stage.frames()
      const { words } = await frames.ask('sip|no-such-transaction|', 'SIP/2.0 200 OK\r\n\r\n')
      assert.deepEqual(words, ['NOK', 'Response not sent due to unknown transaction'])
    },
  },
  {
    name: 'a request in a dialog that is gone is refused in these words',
    run: async (stage) => {
      const frames = await stage.frames()
      const { words } = await frames.ask(
        'sip||call;from-tag=x',
        'BYE sip:placeholder SIP/2.0\r\n\r\n',
      )
      assert.equal(words[0], 'NOK')
      assert.match(words[1] ?? '', /unable to find dialog/)
    },
  },
  {
    name: 'a second final response does not go out',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      await frames.ask('route|invite')
      const call = stage.callFrom(phone)
      phone.sendRaw(call.invite())
      const txn = (await frames.delivered('INVITE ')).words[8] ?? ''
      await frames.ask(`sip|${txn}|`, 'SIP/2.0 486 Busy Here\r\n\r\n')
      await frames.ask(`sip|${txn}|`, 'SIP/2.0 404 Not Found\r\n\r\n')
      phone.sendRaw(call.ack(await phone.expect(486)))
      await frames.ask(`sip|${txn}|`, 'SIP/2.0 404 Not Found\r\n\r\n')
      assert.ok(
        !phone.inbox.some((message) => message.kind === 'response' && message.status === 404),
      )
    },
  },
  {
    name: 'the echo of a request is the request as it went out, completed',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const uri = `sip:bob@127.0.0.1:${phone.port}`
      const { text, words } = await frames.ask('sip||', INVITE(uri))
      assert.deepEqual(words.slice(0, 2), ['OK', 'application'])
      assert.ok((words[7] ?? '').length > 10)
      const invite = await phone.expect('INVITE')
      assert.equal(text, invite.text)
      assert.match(headerOf(text, 'From'), /<sip:127\.0\.0\.1(:\d+)?>;tag=.+/)
      assert.equal(headerOf(text, 'To'), `<${uri}>`)
      assert.equal(headerOf(text, 'Max-Forwards'), '70')
      assert.match(headerOf(text, 'CSeq'), /^\d+ INVITE$/)
      assert.equal(headerOf(text, 'Contact'), `<sip:${here(stage)}>`)
      assert.match(headerOf(text, 'Via'), /^SIP\/2\.0\/UDP .*;rport;branch=z9hG4bK/)
      phone.answer(invite, 486)
      await frames.delivered('SIP/2.0 486 ')
    },
  },
  {
    name: 'Call-ID, CSeq, From tag and Max-Forwards of an application are kept',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const own = [
        'Call-ID: mine@x',
        'CSeq: 123 INVITE',
        'From: <sip:a@b>;tag=mine',
        'Max-Forwards: 9',
      ]
      await frames.ask('sip||', INVITE(`sip:bob@127.0.0.1:${phone.port}`, ...own))
      const invite = await phone.expect('INVITE')
      for (const line of own) assert.ok(invite.text.includes(`\r\n${line}\r\n`), invite.text)
      phone.answer(invite, 486)
      await frames.delivered('SIP/2.0 486 ')
    },
  },
  {
    name: 'Via, Route and Record-Route of an application are not sent, others are',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const refused = [
        'Via: SIP/2.0/UDP evil',
        'Route: <sip:evil;lr>',
        'Record-Route: <sip:evil;lr>',
      ]
      const uri = `sip:bob@127.0.0.1:${phone.port}`
      await frames.ask('sip||', INVITE(uri, ...refused, 'X-Own: 1', 'Subject: lead'))
      const invite = await phone.expect('INVITE')
      assert.ok(!invite.text.includes('evil'), invite.text)
      assert.equal(headerOf(invite.text, 'X-Own'), '1')
      assert.equal(headerOf(invite.text, 'Subject'), 'lead')
      phone.answer(invite, 486)
      await frames.delivered('SIP/2.0 486 ')
    },
  },
  {
    name: '@localhost becomes the address of the server in From, Contact and P-Asserted-Identity',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const names = ['From', 'Contact', 'P-Asserted-Identity']
      const lines = names.map((name) => `${name}: <sip:1555@localhost>`)
      await frames.ask('sip||', INVITE(`sip:bob@127.0.0.1:${phone.port}`, ...lines))
      const invite = await phone.expect('INVITE')
      for (const name of names)
        assert.match(headerOf(invite.text, name), new RegExp(`<sip:1555@${here(stage)}>`))
      phone.answer(invite, 486)
      await frames.delivered('SIP/2.0 486 ')
    },
  },
  {
    name: 'a body of unknown kind is refused',
    run: async (stage) => {
      const frames = await stage.frames()
      const text = 'INVITE sip:x@127.0.0.1 SIP/2.0\r\n\r\nbody'
      const { words } = await frames.ask('sip||', text)
      assert.equal(words[0], 'NOK')
      assert.match(words[1] ?? '', /missing content-type/i)
    },
  },
  {
    name: 'requests are shared out in turn among the applications of a verb',
    run: async (stage) => {
      const [first, second] = [await stage.frames(), await stage.frames()]
      const phone = await stage.phone()
      for (const frames of [first, second]) await frames.ask('route|message')
      for (let at = 0; at < 2; at++)
        phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'MESSAGE'))
      await first.delivered('MESSAGE ')
      await second.delivered('MESSAGE ')
    },
  },
  {
    name: 'a verb without an application is answered 503',
    run: async (stage) => {
      const phone = await stage.phone()
      await stage.application({ message: () => undefined })
      phone.sendRaw(stage.callFrom(phone).invite())
      await phone.expect(503)
      phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'OPTIONS'))
      await phone.expect('503 OPTIONS')
    },
  },
]
