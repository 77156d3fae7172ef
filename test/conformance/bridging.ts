import type { Dlg, Req, Res, SrfLike } from '../sip/engine/support/application.ts'
import type { Caller } from '../sip/engine/support/caller.ts'
import { type Message, type Phone, SDP } from '../sip/engine/support/phone.ts'
import type { Stage } from './stage.ts'

/** Both dialogs of a call. */
export interface Legs {
  readonly uas: Dlg
  readonly uac: Dlg
}

/** What an application bridges with. */
export interface Bridging {
  readonly srf: SrfLike
  readonly req: Req
  readonly res: Res
  /** The address of the called phone. */
  readonly uri: string
}

/** A call from alice through an application to bob. */
export interface Bridge {
  readonly alice: Phone
  readonly bob: Phone
  readonly call: Caller
  readonly legs: Promise<Legs>
}

/** An application that bridges every call to bob in its own way. */
export async function bridge(
  stage: Stage,
  how: (bridging: Bridging) => Promise<Legs>,
): Promise<Bridge> {
  const [alice, bob] = [await stage.phone(), await stage.phone()]
  const bridged = Promise.withResolvers<Legs>()
  bridged.promise.catch(() => undefined)
  const { srf } = await stage.application({
    invite: (req, res) => {
      const uri = `sip:bob@127.0.0.1:${bob.port}`
      how({ srf, req, res, uri }).then((legs) => {
        const { uac, uas } = legs
        uas.on('destroy', () => void uac.destroy())
        uac.on('destroy', () => void uas.destroy())
        bridged.resolve(legs)
      }, bridged.reject)
    },
  })
  return { alice, bob, call: stage.callFrom(alice), legs: bridged.promise }
}

/** An application that bridges with these options. */
export const bridgeWith = (stage: Stage, options: object): Promise<Bridge> =>
  bridge(stage, ({ req, res, srf, uri }) => srf.createB2BUA(req, res, uri, options))

/** Answers bob's leg, acknowledges alice's; gives what alice was answered. */
export async function answer({ alice, bob, call, legs }: Bridge, headers: readonly string[] = []) {
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 200, { body: SDP, headers })
  await bob.expect('ACK')
  const ok = await alice.expect('200 INVITE')
  alice.sendRaw(call.ack(ok))
  await legs
  return { invite, ok }
}

/** Ends the call from alice's side. */
export async function hangUp({ alice, bob, call }: Bridge, ok: Message, cseq = 2): Promise<void> {
  alice.sendRaw(call.inDialog(ok, 'BYE', cseq))
  bob.answer(await bob.expect('BYE'), 200)
  await alice.expect('200 BYE')
}

/** Refuses bob's leg and takes the refusal on alice's. */
export async function refuse({ alice, bob, call }: Bridge, headers: readonly string[] = []) {
  const invite = await bob.expect('INVITE')
  bob.answer(invite, 486, { headers })
  await bob.expect('ACK')
  const refusal = await alice.expect(486)
  alice.sendRaw(call.ack(refusal))
  return { invite, refusal }
}
