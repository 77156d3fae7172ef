import assert from 'node:assert/strict'
import { type Message, SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { type Bridge, bridgeWith } from '../bridging.ts'
import { fromCallee } from '../callee.ts'
import type { Case } from '../subject.ts'

/** Brings the call up. */
async function connect({ alice, bob, call, legs }: Bridge) {
  alice.sendRaw(call.invite())
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 180)
  await alice.expect(180)
  bob.answer(invite, 200, { body: SDP })
  await bob.expect('ACK')
  const ok = await alice.expect('200 INVITE')
  alice.sendRaw(call.ack(ok))
  return { invite, ok, ...(await legs) }
}

/** Ends the call from alice's side. */
async function hangUp({ alice, bob, call }: Bridge, ok: Message, cseq = 2): Promise<void> {
  alice.sendRaw(call.inDialog(ok, 'BYE', cseq))
  bob.answer(await bob.expect('BYE'), 200)
  await alice.expect('200 BYE')
}

const HOLD = SDP.replace('s=-', 's=hold')

/** createB2BUA with its options. */
export const BRIDGE_CASES: readonly Case[] = [
  {
    name: 'a call is carried from ringing to the BYE of the caller',
    run: async (stage) => {
      const all = await bridgeWith(stage, {})
      const { invite, ok } = await connect(all)
      assert.equal(invite.body, SDP)
      assert.equal(ok.body, SDP)
      assert.notEqual(invite.sipCallId, ok.sipCallId)
      await hangUp(all, ok)
    },
  },
  {
    name: 'the BYE of the callee is passed on',
    run: async (stage) => {
      const all = await bridgeWith(stage, {})
      const { invite } = await connect(all)
      all.bob.sendRaw(fromCallee(all.bob, invite, 'BYE', { cseq: 1 }))
      all.alice.answer(await all.alice.expect('BYE'), 200)
      await all.bob.expect('200 BYE')
    },
  },
  {
    name: 'a refusal is passed on',
    run: async (stage) => {
      const { alice, bob, call, legs } = await bridgeWith(stage, {})
      alice.sendRaw(call.invite())
      bob.answer(await bob.expect('INVITE'), 486)
      await bob.expect('ACK')
      alice.sendRaw(call.ack(await alice.expect(486)))
      await assert.rejects(legs, { status: 486 })
    },
  },
  {
    name: 'passFailure: false leaves the caller to the application',
    run: async (stage) => {
      const { alice, bob, call, legs } = await bridgeWith(stage, { passFailure: false })
      alice.sendRaw(call.invite())
      bob.answer(await bob.expect('INVITE'), 486)
      await assert.rejects(legs, { status: 486 })
      assert.ok(!alice.inbox.some((message) => message.kind === 'response' && message.status > 100))
      alice.sendRaw(call.cancel())
      alice.sendRaw(call.ack(await alice.expect('487 INVITE')))
    },
  },
  {
    name: 'the CANCEL of the caller is passed on',
    run: async (stage) => {
      const { alice, bob, call } = await bridgeWith(stage, {})
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 180)
      await alice.expect(180)
      alice.sendRaw(call.cancel())
      await alice.expect('200 CANCEL')
      alice.sendRaw(call.ack(await alice.expect('487 INVITE')))
      bob.answer(await bob.expect('CANCEL'), 200)
      bob.answer(invite, 487)
      await bob.expect('ACK')
    },
  },
  {
    name: 'proxyRequestHeaders, headers, callingNumber and localSdpB shape the second leg',
    run: async (stage) => {
      const { alice, bob, call } = await bridgeWith(stage, {
        proxyRequestHeaders: ['Subject', 'X-Lead'],
        headers: { 'X-Own': '1' },
        callingNumber: '15550001111',
        localSdpB: HOLD,
      })
      alice.sendRaw(call.invite({ headers: ['Subject: lead', 'X-Lead: 7', 'X-Other: 8'] }))
      const invite = await bob.expect('INVITE')
      assert.equal(valueOf(invite, 'subject'), 'lead')
      assert.equal(valueOf(invite, 'x-lead'), '7')
      assert.equal(valueOf(invite, 'x-other'), '')
      assert.equal(valueOf(invite, 'x-own'), '1')
      const { host, port } = stage.subject.sip
      assert.match(valueOf(invite, 'from'), new RegExp(`<sip:15550001111@${host}:${port}>;tag=`))
      assert.equal(invite.body, HOLD)
      bob.answer(invite, 486)
      alice.sendRaw(call.ack(await alice.expect(486)))
    },
  },
  {
    name: 'localSdpA, responseHeaders and proxyResponseHeaders shape the answer',
    run: async (stage) => {
      const all = await bridgeWith(stage, {
        localSdpA: HOLD,
        responseHeaders: { 'X-Own': '1' },
        proxyResponseHeaders: ['X-Buyer'],
      })
      const { alice, bob, call } = all
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 200, { body: SDP, headers: ['X-Buyer: 7'] })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      assert.equal(valueOf(ok, 'x-own'), '1')
      assert.equal(valueOf(ok, 'x-buyer'), '7')
      assert.equal(ok.body, HOLD)
      alice.sendRaw(call.ack(ok))
      await all.legs
      await hangUp(all, ok)
    },
  },
  {
    name: 'a call without an offer: the offer of the callee, and the answer in both ACKs',
    run: async (stage) => {
      const all = await bridgeWith(stage, {})
      const { alice, bob, call } = all
      alice.sendRaw(call.invite({ body: '' }))
      const invite = await bob.expect('INVITE')
      assert.equal(invite.body, '')
      bob.answer(invite, 200, { body: SDP })
      const ok = await alice.expect('200 INVITE')
      assert.equal(ok.body, SDP)
      const length = `Content-Type: application/sdp\r\nContent-Length: ${HOLD.length}\r\n\r\n${HOLD}`
      alice.sendRaw(call.ack(ok).replace('Content-Length: 0\r\n\r\n', length))
      assert.equal((await bob.expect('ACK')).body, HOLD)
      await all.legs
      await hangUp(all, ok)
    },
  },
  {
    name: 'reliable provisional responses on both legs',
    run: async (stage) => {
      const all = await bridgeWith(stage, { proxyRequestHeaders: ['Supported', 'Require'] })
      const { alice, bob, call } = all
      alice.sendRaw(call.invite({ headers: ['Require: 100rel'] }))
      const invite = await bob.expect('INVITE')
      assert.match(`${valueOf(invite, 'require')}${valueOf(invite, 'supported')}`, /100rel/)
      bob.answer(invite, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 9'] })
      const progress = await alice.expect(183)
      const rack = `RAck: ${valueOf(progress, 'rseq')} 1 INVITE`
      alice.sendRaw(call.inDialog(progress, 'PRACK', 2, { headers: [rack] }))
      bob.answer(await bob.expect('PRACK'), 200)
      await alice.expect('200 PRACK')
      bob.answer(invite, 200, { body: SDP })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      await all.legs
      await hangUp(all, ok, 3)
    },
  },
  {
    name: 'a re-INVITE is relayed by the application, one leg after the other',
    run: async (stage) => {
      const all = await bridgeWith(stage, {})
      const { alice, bob, call } = all
      const { invite, ok, uac, uas } = await connect(all)
      uas.on('modify', (req, res) => {
        void uac.modify(req.body).then((body) => {
          res.send(200, { body })
        })
      })
      alice.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: HOLD }))
      const again = await bob.expect('INVITE', invite)
      assert.equal(again.body, HOLD)
      bob.answer(again, 200, { body: SDP })
      await bob.expect('ACK')
      const agreed = await alice.expect('200 INVITE', ok)
      alice.sendRaw(call.ack(agreed, 2))
      await hangUp(all, ok, 3)
    },
  },
  {
    name: 'a BYE that overtakes everything after the 200 ends both legs',
    run: async (stage) => {
      const { alice, bob, call } = await bridgeWith(stage, {})
      alice.sendRaw(call.invite())
      bob.answer(await bob.expect('INVITE'), 200, { body: SDP })
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      alice.sendRaw(call.inDialog(ok, 'BYE', 2))
      await alice.expect('200 BYE')
      await bob.expect('ACK')
    },
  },
]
