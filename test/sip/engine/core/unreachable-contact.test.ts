/** Dialogs whose other side names a Contact that no socket of the engine leads to. */
import { beforeEach, describe, expect, it } from 'vitest'
import { startNameServer } from '../../../support/name-server.ts'
import { caller } from '../support/caller.ts'
import { eventually } from '../support/eventually.ts'
import { type Message, type Phone, SDP, valueOf } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let phone: Phone

beforeEach(async () => {
  world = await openWorldOfTest({ nameServers: [await startNameServer(() => 3)] })
  phone = await world.phone()
})

const CONTACTS = [
  { name: 'of another family', contact: () => '<sip:phone@[2001:db8::1]:5060>' },
  {
    name: 'of a transport that is not spoken',
    contact: () => '<sip:phone@192.0.2.1;transport=ws>',
  },
  { name: 'that wants TLS', contact: () => '<sips:phone@192.0.2.1>' },
  { name: "that is the engine's own", contact: () => `<sip:phone@127.0.0.1:${world.port}>` },
  { name: 'whose name nobody knows', contact: () => '<sip:phone@pbx.invalid>' },
]

async function answerCallWith(contact: string): Promise<{ ok: Message; acknowledge: () => void }> {
  const call = caller(phone, world.port)
  phone.sendRaw(call.invite().replace(/Contact: [^\r]*/, () => `Contact: ${contact}`))
  const ok = await phone.expect('200 INVITE')
  return { ok, acknowledge: () => phone.sendRaw(call.ack(ok)) }
}

describe.each(CONTACTS)('a Contact $name', ({ contact }) => {
  it('is reached by a BYE where its INVITE came from', async () => {
    const { srf } = await world.application({
      invite: (req, res) => {
        void srf.createUAS(req, res, { localSdp: SDP }).then((dialog) => dialog.destroy())
      },
    })
    const { acknowledge } = await answerCallWith(contact())
    acknowledge()
    const bye = await phone.expect('BYE')
    expect(bye.text).toContain(`BYE ${contact().slice(1, -1)} SIP/2.0\r\n`)
    phone.answer(bye, 200)
    await world.quiescent()
  })

  it('is hung up when it acknowledges nothing, and the application is told', async () => {
    const reasons: string[] = []
    const { srf } = await world.application({
      invite: (req, res) => {
        void srf.createUAS(req, res, { localSdp: SDP }).then((dialog) => {
          dialog.on('destroy', (_, reason) => reasons.push(reason))
        })
      },
    })
    await answerCallWith(contact())
    const bye = await phone.expect('BYE')
    expect(valueOf(bye, 'reason')).toContain('ACK timeout')
    phone.answer(bye, 200)
    await eventually(
      () => reasons.length === 1,
      () => 'the application was not told',
    )
    await world.quiescent()
  })

  it('is acknowledged and hung up where its answer came from', async () => {
    const { srf } = await world.application()
    const outcome = srf.createUAC(`sip:bob@127.0.0.1:${phone.port}`, { localSdp: SDP })
    phone.answer(await phone.expect('INVITE'), 200, { body: SDP, contact: contact() })
    await phone.expect('ACK')
    const over = (await outcome).destroy()
    phone.answer(await phone.expect('BYE'), 200)
    await over
    await world.quiescent()
  })
})
