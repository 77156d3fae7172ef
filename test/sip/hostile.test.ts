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
  callerPhone.sendRaw(text.replace(/^From: [^<]*/m, `From: ${name}`))
  const isRefused = () => callerPhone.inbox.some((each) => 'status' in each && each.status >= 400)
  const arrived = () => buyers[0]?.inbox.find(({ text: sent }) => sent.startsWith('INVITE'))
  await waitFor(() => isRefused() || arrived(), { what: 'the buyer or a refusal' })
  const reached = arrived()
  if (!reached) expect(recorded.begun).toEqual([])
  return { reached, begun: recorded.begun[0] }
}

describe('the INVITE to the buyer', () => {
  it.each([
    ['a line break in the name', '"a\\\r\nX-Evil: 1" '],
    ['a folded header in the name', '"a"\r\n\tX-Evil: 1 '],
    ['emoji', '"😀 évil" '],
    ['quotes and brackets', '"a\\"<sip:X-Evil@b>" '],
    ['a NUL', '"a\0X-Evil" '],
  ])('holds nothing of a name with %s (F43)', async (_, name) => {
    const { reached } = await reachesBuyer([], name)
    expect(reached?.text ?? '').not.toContain('Evil')
    expect(reached?.text ?? '').not.toContain('évil')
  })

  it.each([
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
    ['Replaces: forged;to-tag=a;from-tag=b'],
    ['Proxy-Authorization: Digest username="forged"'],
    ['Session-Expires: 90;refresher=forged'],
    ['Subject: forged'],
  ])('never holds what the caller writes as %j (F44, 6.1)', async (line) => {
    const { reached, begun } = await reachesBuyer([line])
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
