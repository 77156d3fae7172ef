import { describe, expect, it } from 'vitest'
import { caller as callerOf } from '../sip/engine/support/caller.ts'
import { type Message, openPhone, type Phone, SDP } from '../sip/engine/support/phone.ts'
import { startProxy } from '../sip/support/peers.ts'
import { fromBuyer, header, startService } from '../sip/support/service.ts'
import { onTestFinished } from 'vitest'

/** A caller behind a real proxy that records its route. */
async function behindProxy(buyers = 1) {
  const service = await startService({ buyers })
  const proxy = await startProxy(service.world.port)
  const phone = await openPhone(proxy.port)
  onTestFinished(phone.close)
  const caller = callerOf(phone, proxy.port)
  phone.sendRaw(caller.invite())
  const [buyer] = service.buyers as readonly [Phone]
  return { service, proxy, phone, caller, buyer, invite: await buyer.expect('INVITE') }
}

/** A request of the caller along the route that the answer has recorded. */
function routed(request: string, answer: Message): string {
  const contact = /<([^>]+)>/.exec(header(answer, 'Contact') ?? '')?.[1] ?? ''
  const route = header(answer, 'Record-Route') ?? ''
  return request
    .replace(/^(\w+) \S+/, `$1 ${contact}`)
    .replace(/\r\nMax-Forwards/, `\r\nRoute: ${route}\r\nMax-Forwards`)
}

describe('a call through a real proxy', () => {
  it('is bridged, its requests follow the recorded route both ways, and it ends', async () => {
    const { service, proxy, phone, caller, buyer, invite } = await behindProxy()
    expect(header(invite, 'Record-Route')).toBeUndefined()
    expect(Number(header(invite, 'Max-Forwards'))).toBeLessThan(70)
    buyer.answer(invite, 200, { body: SDP })
    const answer = await phone.expect('200 INVITE')
    expect(header(answer, 'Record-Route')).toContain(`127.0.0.1:${proxy.port}`)
    phone.sendRaw(routed(caller.ack(answer), answer))
    await buyer.expect('ACK')

    buyer.sendRaw(fromBuyer(buyer, invite, { method: 'BYE', cseq: 5 }))
    const bye = await phone.expect('BYE')
    expect(bye.headers.filter(({ key }) => key === 'via')).toHaveLength(2)
    phone.answer(bye, 200)
    expect(await service.ending()).toMatchObject({ hungUpBy: 'buyer', sipStatus: 200 })
    await service.world.quiescent()
  })

  it('is hung up by the caller along the route', async () => {
    const { service, phone, caller, buyer, invite } = await behindProxy()
    buyer.answer(invite, 200, { body: SDP })
    const answer = await phone.expect('200 INVITE')
    phone.sendRaw(routed(caller.ack(answer), answer))
    phone.sendRaw(routed(caller.inDialog(answer, 'BYE', 2), answer))
    await phone.expect('200 BYE')
    buyer.answer(await buyer.expect('BYE'), 200)
    expect(await service.ending()).toMatchObject({ hungUpBy: 'caller' })
  })

  it('is cancelled through it, and refused through it', async () => {
    const { service, phone, caller, buyer, invite } = await behindProxy()
    buyer.answer(invite, 180)
    await phone.expect('180 INVITE')
    phone.sendRaw(caller.cancel())
    await phone.expect('487 INVITE')
    await buyer.expect('CANCEL')
    expect(await service.ending()).toMatchObject({ endReason: 'caller_cancelled' })

    const other = callerOf(phone, Number(/:(\d+) SIP/.exec(caller.invite())?.[1]))
    phone.sendRaw(other.invite())
    buyer.answer(await buyer.expect('INVITE'), 486)
    await phone.expect('486 INVITE')
  })
})
