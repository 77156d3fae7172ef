import assert from 'node:assert/strict'
import { SDP, valueOf } from '../../sip/engine/support/phone.ts'
import { bridgeWith, hangUp } from '../bridging.ts'
import type { Case } from '../subject.ts'

const OTHER = SDP.replace('6000', '7000')

/** What happens to a bridge before it is answered. */
export const BRIDGE_EARLY_CASES: readonly Case[] = [
  {
    name: 'the Reason of the CANCEL is passed on',
    run: async (stage) => {
      const { alice, bob, call } = await bridgeWith(stage, {})
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 180)
      await alice.expect(180)
      alice.sendRaw(call.cancel())
      alice.sendRaw(call.ack(await alice.expect('487 INVITE')))
      const cancel = await bob.expect('CANCEL')
      assert.equal(valueOf(cancel, 'reason'), 'SIP;cause=200;text="Call completed elsewhere"')
      bob.answer(cancel, 200)
      bob.answer(invite, 487)
      await bob.expect('ACK')
    },
  },
  {
    name: 'a caller that cancels after its PRACK is cancelled on both legs',
    run: async (stage) => {
      const options = {
        proxyRequestHeaders: ['Supported', 'Require'],
        proxyResponseHeaders: ['all'],
      }
      const { alice, bob, call } = await bridgeWith(stage, options)
      alice.sendRaw(call.invite({ headers: ['Require: 100rel'] }))
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 9'] })
      const progress = await alice.expect(183)
      const rack = `RAck: ${valueOf(progress, 'rseq')} 1 INVITE`
      alice.sendRaw(call.inDialog(progress, 'PRACK', 2, { headers: [rack] }))
      bob.answer(await bob.expect('PRACK'), 200)
      await alice.expect('200 PRACK')
      alice.sendRaw(call.cancel())
      await alice.expect('200 CANCEL')
      alice.sendRaw(call.ack(await alice.expect('487 INVITE')))
      const cancel = await bob.expect('CANCEL')
      assert.equal(cancel.cseq, invite.cseq)
      bob.answer(cancel, 200)
      bob.answer(invite, 487)
      assert.equal((await bob.expect('ACK')).cseq, invite.cseq)
    },
  },
  {
    name: 'a caller that cancels before its PRACK is cancelled on both legs',
    run: async (stage) => {
      const options = {
        proxyRequestHeaders: ['Supported', 'Require'],
        proxyResponseHeaders: ['all'],
      }
      const { alice, bob, call } = await bridgeWith(stage, options)
      alice.sendRaw(call.invite({ headers: ['Require: 100rel'] }))
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 9'] })
      bob.answer(await bob.expect('PRACK'), 200)
      await alice.expect(183)
      alice.sendRaw(call.cancel())
      await alice.expect('200 CANCEL')
      alice.sendRaw(call.ack(await alice.expect('487 INVITE')))
      bob.answer(await bob.expect('CANCEL'), 200)
      bob.answer(invite, 487)
      await bob.expect('ACK')
    },
  },
  {
    name: 'an UPDATE of the caller while it rings is answered with the description it has had',
    run: async (stage) => {
      const options = {
        proxyRequestHeaders: ['Supported', 'Require'],
        proxyResponseHeaders: ['all'],
      }
      const all = await bridgeWith(stage, options)
      const { alice, bob, call } = all
      alice.sendRaw(call.invite({ headers: ['Require: 100rel'] }))
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 183, { body: SDP, headers: ['Require: 100rel', 'RSeq: 9'] })
      bob.answer(await bob.expect('PRACK'), 200)
      const progress = await alice.expect(183)
      const rack = `RAck: ${valueOf(progress, 'rseq')} 1 INVITE`
      alice.sendRaw(call.inDialog(progress, 'PRACK', 2, { headers: [rack] }))
      await alice.expect('200 PRACK')
      alice.sendRaw(call.inDialog(progress, 'UPDATE', 3, { body: OTHER }))
      assert.equal((await alice.expect('200 UPDATE')).body, SDP)
      bob.answer(invite, 200, { body: SDP })
      await bob.expect('ACK')
      const ok = await alice.expect('200 INVITE')
      alice.sendRaw(call.ack(ok))
      await all.legs
      await hangUp(all, ok, 4)
    },
  },
  {
    name: 'a caller that hangs up while it rings is answered, and the callee cancelled',
    run: async (stage) => {
      const { alice, bob, call } = await bridgeWith(stage, {})
      alice.sendRaw(call.invite())
      const invite = await bob.expect('INVITE')
      bob.answer(invite, 180)
      const ringing = await alice.expect(180)
      alice.sendRaw(call.inDialog(ringing, 'BYE', 2))
      await alice.expect('200 BYE')
      alice.sendRaw(call.ack(await alice.expect('487 INVITE')))
      bob.answer(await bob.expect('CANCEL'), 200)
      bob.answer(invite, 487)
      await bob.expect('ACK')
    },
    differs: {
      why: 'drachtio-server ends the first leg and lets the second ring (RFC 3261 §15.1.2 asks for 487)',
      run: async (stage) => {
        const { alice, bob, call } = await bridgeWith(stage, {})
        alice.sendRaw(call.invite())
        const invite = await bob.expect('INVITE')
        bob.answer(invite, 180)
        await alice.expect(180)
        alice.sendRaw(call.cancel())
        await alice.expect('487 INVITE')
        bob.answer(await bob.expect('CANCEL'), 200)
        bob.answer(invite, 487)
      },
    },
  },
]
