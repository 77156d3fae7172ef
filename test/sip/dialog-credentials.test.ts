import { expect, it } from 'vitest'
import { withCredentials } from '../../src/sip/dialog-credentials.ts'
import { digestResponse, parseDigests } from '../../src/sip/digest.ts'
import type { FinalResponse, ReceivedResponse } from '../../src/sip/srf.ts'

const URI = 'sip:buyer@198.51.100.7:5060'
const AUTH = { username: 'bridge', password: 'secret' }

function answer(status: number, challenge = ''): FinalResponse {
  const get = (name: string) =>
    ['WWW-Authenticate', 'Proxy-Authenticate'].includes(name) ? challenge : undefined
  return { response: { status, get } as unknown as ReceivedResponse }
}

const challenged = (nonce: string, more = '') =>
  answer(401, `Digest realm="pbx", nonce="${nonce}", algorithm=SHA-256${more}`)

/** Answers one request after the other, and keeps the credentials that each held. */
function start(answers: readonly (FinalResponse | undefined)[], auth?: typeof AUTH) {
  const given: (string | undefined)[] = []
  const left = [...answers]
  const ask = withCredentials(
    async (_, { headers }) => {
      given.push(headers?.Authorization)
      return left.shift()
    },
    URI,
    auth,
  )
  return { ask, given }
}

it('signs the request that was challenged, by the strongest algorithm, with its own headers kept', async () => {
  const headers: object[] = []
  const answers = [challenged('n1'), answer(200)]
  const ask = withCredentials(
    async (_, options) => {
      headers.push(options.headers ?? {})
      return answers.shift()
    },
    URI,
    AUTH,
  )
  const final = await ask('BYE', { headers: { Reason: 'Q.850;cause=16' } })
  expect(final?.response.status).toBe(200)
  expect(headers).toEqual([
    { Reason: 'Q.850;cause=16' },
    { Reason: 'Q.850;cause=16', Authorization: expect.any(String) as string },
  ])
  const [given] = parseDigests(Object.values(headers[1] ?? {})[1] as string)
  const facts = { algorithm: 'SHA-256', username: 'bridge', realm: 'pbx', nonce: 'n1' } as const
  const expected = digestResponse({ ...facts, method: 'BYE', uri: URI, qop: undefined }, 'secret')
  expect(given?.get('response')).toBe(expected)
})

it.each([
  ['wrong credentials are not tried again', [challenged('n1'), challenged('n2')], AUTH, 2, 401],
  [
    'a stale nonce is followed once',
    [challenged('n1'), challenged('n2', ', stale=true'), challenged('n3', ', stale=true')],
    AUTH,
    3,
    401,
  ],
  ['nothing is signed without credentials', [challenged('n1')], undefined, 1, 401],
  ['a challenge that cannot be answered stands', [answer(401, 'Basic')], AUTH, 1, 401],
  ['an answer is an answer', [answer(488)], AUTH, 1, 488],
  ['no answer is none', [undefined], AUTH, 1, undefined],
] as const)('%s', async (_, answers, auth, asked, status) => {
  const { ask, given } = start(answers, auth)
  expect((await ask('INVITE', {}))?.response.status).toBe(status)
  expect(given).toHaveLength(asked)
  expect(new Set(given).size).toBe(asked)
})
