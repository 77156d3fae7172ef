import { describe, expect, it } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { caller as callerOf } from './engine/support/caller.ts'
import { aTrunk } from './support/invite.ts'
import { header, startService } from './support/service.ts'

/** What reaches the buyer of a call with these headers and caller's name; undefined if it is refused. */
async function reachesBuyer(headers: readonly string[], name = '') {
  const service = await startService()
  const { callerPhone, buyers, recorded, world } = service
  const text = callerOf(callerPhone, world.port).invite({ headers })
  callerPhone.sendRaw(text.replace(/^From: [^<]*/m, `From: ${utf8(name)}`))
  const isRefused = () => callerPhone.inbox.some((each) => 'status' in each && each.status >= 400)
  const arrived = () => buyers[0]?.inbox.find(({ text: sent }) => sent.startsWith('INVITE'))
  await waitFor(() => isRefused() || arrived(), { what: 'the buyer or a refusal' })
  const reached = arrived()
  if (!reached) expect(recorded.begun).toEqual([])
  return { reached, begun: recorded.begun[0] }
}

/** As it is on the wire, for a phone that sends a byte a character. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

type Fate = 'arrives' | 'is refused'
const fateOf = (reached: unknown): Fate => (reached ? 'arrives' : 'is refused')

describe('the INVITE to the buyer', () => {
  it.each<[what: string, name: string, fate: Fate]>([
    ['a line break in the name', '"a\\\r\nX-Evil: 1" ', 'is refused'],
    ['a folded header after the name', '"a"\r\n\tX-Evil: 1 ', 'is refused'],
    ['a folded header in the name', '"a\r\n\tX-Evil: 1" ', 'arrives'],
    ['emoji', '"😀 évil" ', 'arrives'],
    ['quotes and brackets', '"a\\"<sip:X-Evil@b>" ', 'arrives'],
    ['a NUL', '"a\0X-Evil" ', 'is refused'],
  ])('holds nothing of a name with %s (F43)', async (_, name, fate) => {
    const { reached } = await reachesBuyer([], name)
    expect(fateOf(reached)).toBe(fate)
    expect(reached?.text ?? '').not.toContain('Evil')
    expect(reached?.text ?? '').not.toContain(utf8('évil'))
  })

  it.each<[line: string, fate?: Fate]>([
    ['X-PH-RetreaverUUID: forged'],
    ['x-ph-retreaveruuid: forged'],
    ['X-PH-RetreaverUUID : forged'],
    ['X-PH-RetreaverUUID\t: forged'],
    ['X-PH-RetreaverUUID:\r\n forged'],
    ['X-PH-Anything: forged'],
    ['P-Asserted-Identity: <sip:+14155550123@forged>'],
    ['Diversion: <sip:+14155550123@forged>'],
    ['Alert-Info: <http://forged/>'],
    ['Call-Info: <http://forged/>'],
    ['Geolocation: <http://forged/>'],
    ['Referred-By: <sip:forged@x>'],
    // To take over a call is answered before anything is looked at.
    ['Replaces: forged;to-tag=a;from-tag=b', 'is refused'],
    ['Proxy-Authorization: Digest username="forged"'],
    ['Session-Expires: 90;refresher=forged'],
    ['Subject: forged'],
  ])('never holds what the caller writes as %j (F44, 6.1)', async (line, fate = 'arrives') => {
    const { reached, begun } = await reachesBuyer([line])
    expect(fateOf(reached)).toBe(fate)
    expect(reached?.text ?? '').not.toContain('forged')
    const uuid = reached && header(reached, 'X-PH-RetreaverUUID')
    expect(uuid).toBe(begun?.facts.callUuid)
  })
})

describe('a scanner', () => {
  it.each(['00441512345678', '011441512345678', '+19005550100', '+881612345678', 'admin'])(
    'that tries %s without being a trunk is refused, and nothing is dialled (F46)',
    async (user) => {
      const service = await startService({ trunks: [aTrunk()] })
      const uri = `sip:${user}@127.0.0.1:${service.world.port}`
      service.dial({ uri, headers: ['User-Agent: friendly-scanner'] })
      const refusal = await service.callerPhone.expect('403 INVITE')
      expect(refusal.text).not.toMatch(/^(?:Server|User-Agent|WWW-Authenticate):/im)
      expect(service.recorded.begun).toEqual([])
      expect(service.buyers[0]?.inbox).toEqual([])
    },
  )
})
