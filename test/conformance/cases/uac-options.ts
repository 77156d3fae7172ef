import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Dlg, Req, Res, SrfLike } from '../../sip/engine/support/application.ts'
import { SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { called, hangUp, type Loose, pickUp } from '../library.ts'
import type { Case } from '../subject.ts'
import { dialogOf, placedCall } from './outgoing.ts'

/** The library takes its arguments in more ways than one type says. */
const createUac = (srf: SrfLike): Loose => srf.createUAC.bind(srf) as unknown as Loose

/** createUAC in all its forms. */
export const UAC_OPTION_CASES: readonly Case[] = [
  {
    name: 'createUAC takes the URI among its options, and callbacks one by one',
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application()
      const told: string[] = []
      const { callback, promise } = called<Dlg>()
      createUac(srf)(
        { uri: `sip:bob@127.0.0.1:${phone.port}`, localSdp: SDP },
        (_: unknown, sent: Req) => told.push(sent.method),
        ({ status }: Res) => told.push(String(status)),
        callback,
      )
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 180)
      phone.answer(invite, 200, { body: SDP })
      await phone.expect('ACK')
      await hangUp(await promise, phone)
      assert.deepEqual(told, ['INVITE', '180'])
    },
  },
  {
    name: 'callingNumber and calledNumber make From, Contact and the URI',
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application()
      const options = { calledNumber: '1800', callingNumber: '1555', localSdp: SDP }
      const dialog = srf.createUAC(`127.0.0.1:${phone.port}`, options)
      const invite = await pickUp(phone)
      const { host, port } = stage.subject.sip
      assert.match(invite.text, new RegExp(`^INVITE sip:1800@127\\.0\\.0\\.1:${phone.port} `))
      assert.match(valueOf(invite, 'from'), new RegExp(`<sip:1555@${host}:${port}>;tag=`))
      assert.match(valueOf(invite, 'contact'), new RegExp(`<sip:1555@${host}:${port}>`))
      await hangUp(await dialog, phone)
    },
  },
  {
    name: 'callingName is the display name in From',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, {
        callingName: 'The Bridge',
        callingNumber: '1555',
      })
      assert.match(valueOf(await pickUp(phone), 'from'), /^"The Bridge" <sip:1555@/)
      await hangUp(await dialogOf(outcome), phone)
    },
  },
  {
    name: 'proxy sends the INVITE there, and what follows to the Contact of the answer',
    run: async (stage) => {
      const [edge, phone] = [await stage.phone(), await stage.phone()]
      const { srf } = await stage.application()
      const proxy = `sip:127.0.0.1:${edge.port}`
      const dialog = srf.createUAC('sip:bob@elsewhere.example', { localSdp: SDP, proxy })
      const contact = `<sip:bob@127.0.0.1:${phone.port}>`
      edge.answer(await edge.expect('INVITE'), 200, { body: SDP, contact })
      await phone.expect('ACK')
      await hangUp(await dialog, phone)
    },
  },
  {
    name: 'keepUriOnRedirect keeps the URI and goes to the Contact of the 302',
    run: async (stage) => {
      const next = await stage.phone()
      const { outcome, phone, uri } = await placedCall(stage, {
        followRedirects: true,
        keepUriOnRedirect: true,
      })
      const contact = `<sip:other@127.0.0.1:${next.port}>`
      phone.answer(await phone.expect('INVITE'), 302, { contact })
      await phone.expect('ACK')
      const invite = await next.expect('INVITE')
      assert.ok(invite.text.startsWith(`INVITE ${uri} `))
      next.answer(invite, 200, { body: SDP })
      await next.expect('ACK')
      await hangUp(await dialogOf(outcome), next)
    },
  },
  {
    name: 'auth may be a function that is asked when there is a challenge',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage, {
        auth: (_req: Req, _res: Res, done: Loose) => done(null, 'u', 'p'),
      })
      const first = await phone.expect('INVITE')
      phone.answer(first, 401, {
        headers: ['WWW-Authenticate: Digest realm="local", nonce="abc", algorithm=MD5'],
      })
      await phone.expect('ACK')
      const second = await pickUp(phone)
      assert.match(valueOf(second, 'authorization'), /^Digest username="u"/)
      assert.equal(second.fromTag, first.fromTag)
      await hangUp(await dialogOf(outcome), phone)
    },
  },
  {
    name: 'a call without an offer is acknowledged with what the library makes of the offer',
    run: async (stage) => {
      const phone = await stage.phone()
      const { srf } = await stage.application()
      const dialog = srf.createUAC(`sip:bob@127.0.0.1:${phone.port}`, {})
      const invite = await phone.expect('INVITE')
      assert.equal(invite.body, '')
      phone.answer(invite, 200, { body: SDP })
      assert.match((await phone.expect('ACK')).body, /^v=0\r\n/)
      await hangUp(await dialog, phone)
    },
  },
  {
    name: 'an answer without Contact is a failure, and the phone is let go',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: false })
      await phone.expect('ACK')
      phone.answer(await phone.expect('BYE'), 200)
      const { error } = await outcome
      assert.equal((error as { status?: number }).status, 500)
    },
    differs: {
      why: 'drachtio-server hands it over, and the phone is left off the hook',
      run: async (stage) => {
        const { outcome, phone } = await placedCall(stage)
        phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: false })
        const { error } = await outcome
        assert.equal((error as { status?: number }).status, 500)
      },
    },
  },
  {
    name: 'a dialogStateEmitter hears a call from trying to its end',
    run: async (stage) => {
      const dialogStateEmitter = new EventEmitter()
      const states: string[] = []
      dialogStateEmitter.on('stateChange', ({ state }: { state: string }) => states.push(state))
      const { outcome, phone } = await placedCall(stage, {
        callingNumber: '1555',
        dialogStateEmitter,
      })
      const invite = await phone.expect('INVITE')
      phone.answer(invite, 180)
      phone.answer(invite, 200, { body: SDP })
      await phone.expect('ACK')
      await hangUp(await dialogOf(outcome), phone)
      assert.deepEqual(states.slice(0, 3), ['trying', 'early', 'confirmed'])
    },
  },
  {
    name: 'an application that never acknowledges a 200: the phone is acknowledged and hung up',
    run: async (stage) => {
      const [frames, phone] = [await stage.frames(), await stage.phone()]
      const uri = `sip:bob@127.0.0.1:${phone.port}`
      await frames.ask('sip||', `INVITE ${uri} SIP/2.0\r\nContent-Length: 0\r\n\r\n`)
      phone.answer(await phone.expect('INVITE'), 200, { body: SDP })
      await frames.delivered('SIP/2.0 200 ')
      const bye = await stage.expectLate(phone, 'BYE')
      assert.match(valueOf(bye, 'reason'), /ACK missing/)
      phone.answer(bye, 200)
      await frames.delivered('BYE ')
    },
    differs: {
      why: 'drachtio-server writes a line to its log and leaves the call up',
      run: async (stage) => {
        const [frames, phone] = [await stage.frames(), await stage.phone()]
        const uri = `sip:bob@127.0.0.1:${phone.port}`
        await frames.ask('sip||', `INVITE ${uri} SIP/2.0\r\nContent-Length: 0\r\n\r\n`)
        phone.answer(await phone.expect('INVITE'), 200, { body: SDP })
        const { words } = await frames.delivered('SIP/2.0 200 ')
        await frames.ask(`sip||${words[9]}`, 'ACK sip:placeholder SIP/2.0\r\n\r\n')
        await phone.expect('ACK')
      },
    },
  },
  {
    name: 'a 202 to INVITE is no answer: the application hears 500, the phone is let go',
    run: async (stage) => {
      const { outcome, phone } = await placedCall(stage)
      phone.answer(await phone.expect('INVITE'), 202, { body: SDP })
      await phone.expect('ACK')
      phone.answer(await phone.expect('BYE'), 200)
      const { error } = await outcome
      assert.equal((error as { status?: number }).status, 500)
    },
    differs: {
      why: 'drachtio-server hands it over and makes no dialog: the phone is left off the hook',
      run: async (stage) => {
        const { outcome, phone } = await placedCall(stage)
        phone.answer(await phone.expect('INVITE'), 202, { body: SDP })
        const { error } = await outcome
        assert.equal((error as { status?: number }).status, 202)
      },
    },
  },
]
