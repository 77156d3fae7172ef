import assert from 'node:assert/strict'
import type { Dlg } from '../../sip/engine/support/application.ts'
import { caller } from '../../sip/engine/support/caller.ts'
import { bracketed, SDP } from '../../sip/engine/support/phone.ts'
import type { Stage } from '../stage.ts'
import type { Case, SipPlace, TransportNeed } from '../subject.ts'

const NEEDS: readonly TransportNeed[] = [
  { transport: 'tcp', family: 4 },
  { transport: 'tls', family: 4 },
  { transport: 'udp', family: 6 },
  { transport: 'tcp', family: 6 },
  { transport: 'tls', family: 6 },
]

/** A phone at an address of the server, and what it writes in another transport than UDP. */
async function phoneAt(stage: Stage, need: TransportNeed) {
  const place = stage.place(need)
  const phone = await stage.phoneAt(place)
  const parameter = `;transport=${place.transport}`
  const own = `${bracketed(phone.host)}:${phone.port}${parameter}`
  const over = (text: string): string =>
    text
      .replace('SIP/2.0/UDP', `SIP/2.0/${place.transport.toUpperCase()}`)
      .replace(/(Contact: <sip:[^>;]+)>/, `$1${parameter}>`)
  return { place, phone, over, uri: `sip:bob@${own}`, contact: `<sip:phone@${own}>` }
}

/** A Contact through which the server is reached where the message came from. */
function assertContact(text: string, { host, port, transport }: SipPlace): void {
  const [, contact = ''] = /\r\nContact: ([^\r]+)/i.exec(text) ?? []
  assert.ok(contact.includes(`${bracketed(host)}:${port}`), contact)
  const isNamed = contact.includes(`transport=${transport}`)
  assert.ok(transport === 'udp' || isNamed || contact.includes('sips:'), contact)
}

async function takeCall(stage: Stage, need: TransportNeed): Promise<void> {
  const { over, phone, place } = await phoneAt(stage, need)
  const answered = Promise.withResolvers<Dlg>()
  answered.promise.catch(() => undefined)
  const { srf } = await stage.application({
    invite: (req, res) => {
      srf.createUAS(req, res, { localSdp: SDP }).then(answered.resolve, answered.reject)
    },
  })
  const call = caller(phone, place.port)
  phone.sendRaw(over(call.invite()))
  const ok = await phone.expect('200 INVITE')
  assertContact(ok.text, place)
  phone.sendRaw(over(call.ack(ok)))
  await answered.promise
  phone.sendRaw(over(call.inDialog(ok, 'BYE', 2)))
  await phone.expect('200 BYE')
}

async function makeCall(stage: Stage, need: TransportNeed): Promise<void> {
  const { contact, phone, place, uri } = await phoneAt(stage, need)
  const { srf } = await stage.application()
  const calling = srf.createUAC(uri, { localSdp: SDP })
  calling.catch(() => undefined)
  const invite = await phone.expect('INVITE')
  assert.equal(invite.via.transport, place.transport)
  assertContact(invite.text, place)
  phone.answer(invite, 200, { body: SDP, contact })
  await phone.expect('ACK')
  const dialog = await calling
  const gone = dialog.destroy()
  phone.answer(await phone.expect('BYE'), 200, { contact: false })
  await gone
}

/** Whole calls over every transport that a server may have, besides UDP over IPv4. */
export const TRANSPORT_CASES: readonly Case[] = NEEDS.flatMap((needs) => {
  const over = `${needs.transport.toUpperCase()} over IPv${needs.family}`
  return [
    { name: `a call comes in by ${over} and is hung up by the caller`, needs, run: takeCall },
    { name: `a call goes out by ${over} and is hung up by the application`, needs, run: makeCall },
  ].map(({ name, run }) => ({ name, needs, run: (stage: Stage) => run(stage, needs) }))
})
