import assert from 'node:assert/strict'
import { SDP } from '../../sip/engine/support/phone.ts'
import type { Frames } from '../frames.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'
import { fromCallee } from '../callee.ts'

/** A second connection that asks for the records of calls, beside the one that has the calls. */
async function openRecorder(stage: Stage): Promise<Frames> {
  const frames = await stage.frames()
  for (const event of ['attempt', 'start', 'stop']) await frames.ask(`route|cdr:${event}`)
  return frames
}

/** Waits for one record after the other: what it says but for its time, and the message with it. */
async function expectRecords(
  frames: Frames,
  expected: readonly (readonly [words: string, message: RegExp])[],
): Promise<void> {
  for (const [words, message] of expected) {
    const [type = ''] = words.split('|')
    const record = await frames.recorded(type)
    const [, , , time, ...detail] = record.words
    assert.match(time ?? '', /^\d\d:\d\d:\d\d\.\d{6}$/)
    assert.equal([...record.words.slice(1, 3), ...detail].join('|'), words)
    assert.match(record.text, message)
  }
}

const INVITE = (port: number): string =>
  `INVITE sip:bob@127.0.0.1:${port} SIP/2.0\r\nContent-Length: 0\r\n\r\n`

/** A call that an application with frames of its own has taken, up to the given response. */
async function takenCall(stage: Stage, response: string) {
  const [records, frames, phone] = [
    await openRecorder(stage),
    await stage.frames(),
    await stage.phone(),
  ]
  await frames.ask('route|invite')
  const call = stage.callFrom(phone)
  phone.sendRaw(call.invite())
  const txn = (await frames.delivered('INVITE ')).words[8] ?? ''
  const { words } = await frames.ask(`sip|${txn}|`, `SIP/2.0 ${response}\r\n\r\n`)
  return { records, frames, phone, call, dialogId: words[8] ?? '' }
}

/** A call that an application with frames of its own has placed. */
async function placedCall(stage: Stage) {
  const [records, frames, phone] = [
    await openRecorder(stage),
    await stage.frames(),
    await stage.phone(),
  ]
  await frames.ask('sip||', INVITE(phone.port))
  return { records, frames, phone, invite: await phone.expect('INVITE') }
}

/** How often the end of a call is recorded whose BYE is challenged and sent again. */
async function countStopsOfChallengedBye(stage: Stage): Promise<number> {
  const { call, dialogId, frames, phone, records } = await takenCall(stage, '200 OK')
  phone.sendRaw(call.ack(await phone.expect('200 INVITE')))
  await frames.delivered('ACK ')
  const bye = 'BYE sip:placeholder SIP/2.0\r\n\r\n'
  await frames.ask(`sip||${dialogId}`, bye)
  const challenged = await phone.expect('BYE')
  const headers = ['Proxy-Authenticate: Digest realm="local", nonce="abc", algorithm=MD5']
  phone.answer(challenged, 407, { headers })
  await frames.delivered('SIP/2.0 407 ')
  await frames.ask(`sip||${dialogId}`, bye)
  phone.answer(await phone.expect('BYE', challenged), 200)
  await frames.delivered('SIP/2.0 200 ')
  return countAfterNextCall(stage, records)
}

/** Records come in order: what is recorded of a later call says that no more comes of the earlier. */
async function countAfterNextCall(stage: Stage, records: Frames): Promise<number> {
  const phone = await stage.phone()
  const frames = await stage.frames()
  await frames.ask('sip||', INVITE(phone.port))
  phone.answer(await phone.expect('INVITE'), 486)
  for (let count = 0; ; count++)
    if ((await records.recorded('cdr:stop')).words.includes('call-rejected')) return count
}

/** Records of calls: drachtio-server writes them if it was started with `cdrs` turned on. */
export const RECORD_CASES: readonly Case[] = [
  {
    name: 'a call that came in is recorded from the INVITE to the BYE of its caller',
    run: async (stage) => {
      const { call, frames, phone, records } = await takenCall(stage, '200 OK')
      const ok = await phone.expect('200 INVITE')
      phone.sendRaw(call.ack(ok))
      phone.sendRaw(call.inDialog(ok, 'BYE', 2))
      const { words } = await frames.delivered('BYE ')
      await frames.ask(`sip|${words[8]}|`, 'SIP/2.0 200 OK\r\n\r\n')
      await phone.expect('200 BYE')
      await expectRecords(records, [
        ['cdr:attempt|network', /^INVITE /],
        ['cdr:start|application|uas', /^SIP\/2\.0 200 /],
        ['cdr:stop|network|normal-release', /^BYE /],
      ])
    },
  },
  {
    name: 'the BYE of the application ends the record too',
    run: async (stage) => {
      const { call, dialogId, frames, phone, records } = await takenCall(stage, '200 OK')
      phone.sendRaw(call.ack(await phone.expect('200 INVITE')))
      await frames.delivered('ACK ')
      await frames.ask(`sip||${dialogId}`, 'BYE sip:placeholder SIP/2.0\r\n\r\n')
      phone.answer(await phone.expect('BYE'), 200)
      await expectRecords(records, [['cdr:stop|application|normal-release', /^BYE /]])
    },
  },
  {
    name: 'a BYE that comes again with credentials is recorded once',
    run: async (stage) => {
      assert.equal(await countStopsOfChallengedBye(stage), 1)
    },
    differs: {
      why: 'drachtio-server records every BYE that its application sends',
      run: async (stage) => {
        assert.equal(await countStopsOfChallengedBye(stage), 2)
      },
    },
  },
  {
    name: 'a refused call is recorded as rejected',
    run: async (stage) => {
      const { call, phone, records } = await takenCall(stage, '486 Busy Here')
      phone.sendRaw(call.ack(await phone.expect(486)))
      await expectRecords(records, [
        ['cdr:attempt|network', /^INVITE /],
        ['cdr:stop|application|call-rejected', /^SIP\/2\.0 486 /],
      ])
    },
  },
  {
    name: 'a cancelled call is recorded as cancelled',
    run: async (stage) => {
      const { call, phone, records } = await takenCall(stage, '180 Ringing')
      await phone.expect(180)
      phone.sendRaw(call.cancel())
      phone.sendRaw(call.ack(await phone.expect('487 INVITE')))
      await expectRecords(records, [
        ['cdr:attempt|network', /^INVITE /],
        ['cdr:stop|network|call-canceled', /^INVITE /],
      ])
    },
  },
  {
    name: 'a call that goes out is recorded from the INVITE to the BYE of the called phone',
    run: async (stage) => {
      const { frames, invite, phone, records } = await placedCall(stage)
      phone.answer(invite, 200, { body: SDP })
      const { words } = await frames.delivered('SIP/2.0 200 ')
      await frames.ask(`sip||${words[9]}`, 'ACK sip:placeholder SIP/2.0\r\n\r\n')
      await phone.expect('ACK')
      phone.sendRaw(fromCallee(phone, invite, 'BYE', { cseq: 1 }))
      const bye = await frames.delivered('BYE ')
      await frames.ask(`sip|${bye.words[8]}|`, 'SIP/2.0 200 OK\r\n\r\n')
      await expectRecords(records, [
        ['cdr:attempt|application', /^INVITE /],
        ['cdr:start|network|uac', /^SIP\/2\.0 200 /],
        ['cdr:stop|network|normal-release', /^BYE /],
      ])
    },
  },
  ...(
    [
      [486, 'call-rejected'],
      [487, 'call-canceled'],
    ] as const
  ).map(([status, reason]): Case => ({
    name: `a call that goes out and gets ${status} is recorded as ${reason}`,
    run: async (stage) => {
      const { invite, phone, records } = await placedCall(stage)
      phone.answer(invite, status)
      await phone.expect('ACK')
      await expectRecords(records, [
        [`cdr:stop|network|${reason}`, new RegExp(`^SIP/2\\.0 ${status} `)],
      ])
    },
  })),
]
