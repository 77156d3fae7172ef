import { describe, expect, it } from 'vitest'
import { answerChallenge } from '../../src/sip/digest-answer.ts'
import { createDigestGate } from '../../src/sip/digest-gate.ts'
import { anInvite, aTrunk } from './support/invite.ts'

const trunk = aTrunk({ digest: { username: 'carrier', password: 'right' } })
const URI = 'sip:+18005550100@127.0.0.1'

function start() {
  let nowMs = 1_000_000
  const open = () => createDigestGate({ secret: 's', now: () => nowMs })
  const gate = open()
  const challengeText = (source_address = '127.0.0.1') => {
    const proof = gate.check(anInvite({ source_address }), [trunk])
    if (proof.kind !== 'challenged') throw new Error(proof.kind)
    return proof.headers['WWW-Authenticate'] ?? ''
  }
  const answer = (text: string, credentials = { username: 'carrier', password: 'right' }) => {
    const joined = text.replace('\r\nWWW-Authenticate: ', ',')
    const get = () => joined
    return answerChallenge({ status: 401, get }, { method: 'INVITE', uri: URI }, credentials)
  }
  const check = (headers: Readonly<Record<string, string>> | undefined, from = '127.0.0.1') =>
    gate.check(anInvite({ headers: { ...headers }, source_address: from }), [trunk])
  return { gate, open, challengeText, answer, check, wait: (ms: number) => (nowMs += ms) }
}

describe('a digest gate', () => {
  it('offers SHA-256 and MD5, each on a line of its own', () => {
    expect(start().challengeText()).toMatch(
      /^Digest realm="bridgeback", nonce="[0-9a-z]+\.[0-9a-f]{32}", algorithm=SHA-256, qop="auth"\r\nWWW-Authenticate: Digest .*algorithm=MD5, qop="auth"$/,
    )
  })

  it.each(['SHA-256', 'MD5'])('lets in who knows the password, by %s', (algorithm) => {
    const { challengeText, answer, check } = start()
    const lines = challengeText().split('\r\nWWW-Authenticate: ')
    const line = lines.find((each) => each.includes(algorithm)) ?? ''
    expect(check(answer(line))).toEqual({ kind: 'proved', trunk })
  })

  it('knows trunks with the same user name by their passwords', () => {
    const { gate, challengeText, answer } = start()
    const other = aTrunk({ trunkId: 'b', digest: { username: 'carrier', password: 'other' } })
    const headers = { ...answer(challengeText()) }
    const proof = gate.check(anInvite({ headers }), [other, trunk])
    expect(proof).toEqual({ kind: 'proved', trunk })
  })

  it('lets in on another process what one has challenged', () => {
    const { open, challengeText, answer } = start()
    const headers = { ...answer(challengeText()) }
    expect(open().check(anInvite({ headers }), [trunk])).toMatchObject({ kind: 'proved' })
  })

  it.each([
    ['a wrong password', { username: 'carrier', password: 'wrong' }],
    ['an unknown user', { username: 'nobody', password: 'right' }],
  ])('answers %s like one that gave none', (_, credentials) => {
    const { challengeText, answer, check } = start()
    const again = check(answer(challengeText(), credentials))
    expect(again).toMatchObject({ kind: 'challenged' })
    expect(JSON.stringify(again)).not.toContain('stale')
  })

  it.each([
    ['used again', 0, '127.0.0.1'],
    ['from another address', 0, '127.0.0.2'],
    ['older than a minute', 60_001, '127.0.0.1'],
  ])('calls a nonce stale that is %s', (what, waitMs, from) => {
    const { challengeText, answer, check, wait } = start()
    const headers = answer(challengeText())
    if (what === 'used again') check(headers)
    wait(waitMs)
    expect(check(headers, from)).toMatchObject({
      headers: { 'WWW-Authenticate': expect.stringContaining('stale=true') as string },
    })
  })

  it('takes a nonce again with a higher count', () => {
    const { challengeText, answer, check } = start()
    const value = answer(challengeText())?.['Authorization'] ?? ''
    expect(check({ Authorization: value })).toMatchObject({ kind: 'proved' })
    const counted = value.replace('nc=00000001', 'nc=00000002')
    expect(check({ Authorization: counted })).toMatchObject({ kind: 'challenged' }) // not signed so
  })

  it('hears nobody for five minutes who was wrong ten times', () => {
    const { challengeText, answer, check, wait } = start()
    const wrong = { username: 'carrier', password: 'wrong' }
    for (let time = 0; time < 10; time++) check(answer(challengeText(), wrong))
    expect(check({})).toEqual({ kind: 'banned' })
    expect(check({}, '127.0.0.9')).toMatchObject({ kind: 'challenged' })
    wait(300_001)
    expect(check({})).toMatchObject({ kind: 'challenged' })
  })

  it('counts against nobody what was not asked for: its sender may have written any address', () => {
    const { challengeText, answer, check, wait } = start()
    const forged = challengeText('198.51.100.7')
    const wrong = { username: 'carrier', password: 'wrong' }
    const old = answer(challengeText(), wrong)
    wait(60_001)
    for (let time = 0; time < 10; time++) {
      check({ Authorization: 'Digest username="carrier", nonce="1.2", response="00"' })
      check(answer(forged, wrong))
      check(old)
    }
    expect(check(answer(challengeText()))).toEqual({ kind: 'proved', trunk })
  })

  it('says of no password whether it is right before its own nonce is shown', () => {
    const { challengeText, answer, check } = start()
    const forged = challengeText('198.51.100.7')
    const heard = ['right', 'wrong'].map((password) => {
      const proof = check(answer(forged, { username: 'carrier', password }))
      return JSON.stringify(proof).replaceAll(/[0-9a-f]{32}/g, '')
    })
    expect(heard[0]).toBe(heard[1])
  })

  it('leaves every other challenge of the header to others', () => {
    const { check } = start()
    expect(check({ Authorization: 'Basic dTpw' })).toMatchObject({ kind: 'challenged' })
  })
})
