import assert from 'node:assert/strict'
import type { Dlg, Req, Res } from '../../sip/engine/support/application.ts'
import { SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { answer, bridge, bridgeWith, hangUp, type Legs, refuse } from '../bridging.ts'
import type { Case } from '../subject.ts'

const HOLD = SDP.replace('s=-', 's=hold')

/** Every option and way to call createB2BUA that `bridge.ts` has not shown. */
export const BRIDGE_OPTION_CASES: readonly Case[] = [
  {
    name: "proxyRequestHeaders: ['all', '-…'] passes every header but those named",
    run: async (stage) => {
      const all = await bridgeWith(stage, { proxyRequestHeaders: ['all', '-X-Secret'] })
      const { alice, call } = all
      alice.sendRaw(call.invite({ headers: ['X-Lead: 7', 'X-Secret: 8', 'Subject: lead'] }))
      const { invite } = await refuse(all)
      assert.equal(valueOf(invite, 'x-lead'), '7')
      assert.equal(valueOf(invite, 'subject'), 'lead')
      assert.equal(valueOf(invite, 'x-secret'), '')
      assert.notEqual(invite.sipCallId, call.sipCallId)
      assert.ok(!valueOf(invite, 'via').includes(String(alice.port)))
    },
  },
  {
    name: "proxyResponseHeaders: ['all', '-…'] passes every header of a response but those named",
    run: async (stage) => {
      const all = await bridgeWith(stage, { proxyResponseHeaders: ['all', '-X-Secret'] })
      all.alice.sendRaw(all.call.invite())
      const { ok } = await answer(all, ['X-Buyer: 7', 'X-Secret: 8'])
      assert.equal(valueOf(ok, 'x-buyer'), '7')
      assert.equal(valueOf(ok, 'x-secret'), '')
      await hangUp(all, ok)
    },
  },
  {
    name: 'proxyResponseHeaders passes headers of a refusal too',
    run: async (stage) => {
      const all = await bridgeWith(stage, { proxyResponseHeaders: ['Reason', 'Retry-After'] })
      all.alice.sendRaw(all.call.invite())
      const { refusal } = await refuse(all, ['Reason: Q.850;cause=17', 'Retry-After: 5'])
      assert.equal(valueOf(refusal, 'reason'), 'Q.850;cause=17')
      assert.equal(valueOf(refusal, 'retry-after'), '5')
    },
  },
  {
    name: 'responseHeaders may be a function of the response',
    run: async (stage) => {
      const responseHeaders = (res: Res | undefined): object => ({
        'X-Status': String(res?.status),
      })
      const all = await bridgeWith(stage, { responseHeaders })
      all.alice.sendRaw(all.call.invite())
      const { ok } = await answer(all)
      assert.equal(valueOf(ok, 'x-status'), '200')
      await hangUp(all, ok)
    },
  },
  {
    name: 'localSdpA may be a function of what the callee answered, asked once for 183 and 200',
    run: async (stage) => {
      let asked = 0
      const localSdpA = (sdp: string): Promise<string> => {
        asked++
        return Promise.resolve(sdp.replace('s=-', 's=mine'))
      }
      const all = await bridgeWith(stage, { localSdpA })
      const { alice, bob, call } = all
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 183, { body: SDP })
      assert.match((await alice.expect(183)).body, /s=mine/)
      bob.answer(invite, 200, { body: SDP })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      assert.match(ok.body, /s=mine/)
      alice.sendRaw(call.ack(ok))
      await all.legs
      await hangUp(all, ok)
      assert.equal(asked, 1)
    },
  },
  {
    name: 'localSdpB may be a function of the answer in the ACK of a call without an offer',
    run: async (stage) => {
      const localSdpB = (sdp: string): Promise<string> =>
        Promise.resolve(sdp.replace('s=hold', 's=B'))
      const all = await bridgeWith(stage, { localSdpB })
      const { alice, bob, call } = all
      alice.sendRaw(call.invite({ body: '' }))
      bob.answer(await bob.expect('INVITE'), 200, { body: SDP })
      const ok = await alice.expect('200 INVITE')
      const length = `Content-Type: application/sdp\r\nContent-Length: ${HOLD.length}\r\n\r\n${HOLD}`
      alice.sendRaw(call.ack(ok).replace('Content-Length: 0\r\n\r\n', length))
      assert.match((await bob.expect('ACK')).body, /s=B/)
      await all.legs
      await hangUp(all, ok)
    },
  },
  {
    name: 'passProvisionalResponses: false keeps ringing from the caller',
    run: async (stage) => {
      const all = await bridgeWith(stage, { passProvisionalResponses: false })
      const { alice, bob, call } = all
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 180)
      bob.answer(invite, 200, { body: SDP })
      await bob.expect('ACK')
      const rang = alice.inbox.some(
        (message) => message.kind === 'response' && message.status === 180,
      )
      assert.equal(rang, false)
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      await all.legs
      await hangUp(all, ok)
    },
  },
  {
    name: 'the options may hold the URI, and callbacks may follow them one by one',
    run: async (stage) => {
      const told: string[] = []
      const all = await bridge(
        stage,
        ({ req, res, srf, uri }) =>
          new Promise((resolve, reject) => {
            const loose = srf.createB2BUA.bind(srf) as unknown as (...all: unknown[]) => unknown
            loose(
              req,
              res,
              { uri },
              (_: unknown, sent: Req) => told.push(sent.method),
              (provisional: Res) => told.push(String(provisional.status)),
              (error: Error | null, legs: Legs) => {
                if (error) reject(error)
                else resolve(legs)
              },
            )
          }),
      )
      const { alice, bob, call } = all
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 180)
      await alice.expect(180)
      bob.answer(invite, 200, { body: SDP })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      await all.legs
      assert.deepEqual(told, ['INVITE', '180'])
      await hangUp(all, ok)
    },
  },
  {
    name: 'cbRequest, cbProvisional and cbFinalizedUac hear of the second leg',
    run: async (stage) => {
      const told: string[] = []
      const callbacks = {
        cbRequest: (_: unknown, sent: Req) => told.push(sent.method),
        cbProvisional: ({ status }: Res) => told.push(String(status)),
        cbFinalizedUac: (uac: Dlg) => told.push(uac.connected ? 'connected' : 'over'),
      }
      const all = await bridge(stage, ({ req, res, srf, uri }) =>
        srf.createB2BUA(req, res, uri, {}, callbacks),
      )
      const { alice, bob, call } = all
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 183)
      await alice.expect(183)
      bob.answer(invite, 200, { body: SDP })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      await all.legs
      assert.deepEqual(told, ['INVITE', '183', 'connected'])
      await hangUp(all, ok)
    },
  },
  {
    name: 'auth answers the challenge of the second leg, unseen by the caller',
    run: async (stage) => {
      const auth = { username: 'u', password: 'p' }
      const all = await bridgeWith(stage, { auth })
      const { alice, bob, call } = all
      alice.sendRaw(call.invite())
      const first = await bob.expect('INVITE')
      const challenge = 'Proxy-Authenticate: Digest realm="local", nonce="abc", algorithm=MD5'
      bob.answer(first, 407, { headers: [challenge] })
      await bob.expect('ACK')
      const second = await bob.expect('INVITE', first)
      assert.match(valueOf(second, 'proxy-authorization'), /^Digest username="u"/)
      assert.equal(second.cseq, first.cseq + 1)
      bob.answer(second, 200, { body: SDP })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      await all.legs
      await hangUp(all, ok)
    },
  },
  {
    name: 'proxy sends the second leg to another address than its URI',
    run: async (stage) => {
      const edge = await stage.phone()
      const proxy = `sip:127.0.0.1:${edge.port}`
      const all = await bridge(stage, ({ req, res, srf }) =>
        srf.createB2BUA(req, res, 'sip:bob@elsewhere.example', { proxy }),
      )
      const { alice, call } = all
      alice.sendRaw(call.invite())
      const invite = await edge.expect('INVITE')
      assert.match(invite.text, /^INVITE sip:bob@elsewhere\.example SIP\/2\.0\r\n/)
      edge.answer(invite, 486)
      await edge.expect('ACK')
      alice.sendRaw(call.ack(await alice.expect(486)))
    },
  },
  {
    name: 'callingName and callingNumber, From and To of the application are kept',
    run: async (stage) => {
      const headers = { From: '"Bridge" <sip:1777@localhost>', To: '<sip:lead@buyer.example>' }
      const all = await bridgeWith(stage, { headers })
      all.alice.sendRaw(all.call.invite())
      const { invite } = await refuse(all)
      const { host, port } = stage.subject.sip
      assert.match(valueOf(invite, 'from'), new RegExp(`^"Bridge" <sip:1777@${host}:${port}>;tag=`))
      assert.equal(valueOf(invite, 'to'), '<sip:lead@buyer.example>')
    },
  },
]
