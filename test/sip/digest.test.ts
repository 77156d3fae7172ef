import { expect, it } from 'vitest'
import { digestResponse, parseDigests } from '../../src/sip/digest.ts'
import { answerChallenge, isStale } from '../../src/sip/digest-answer.ts'

// RFC 7616 §3.9.1
const EXAMPLE = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  method: 'GET',
  uri: '/dir/index.html',
  qop: { nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
}

it.each([
  ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
  ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
] as const)('computes the example of RFC 7616 with %s', (algorithm, response) => {
  expect(digestResponse({ ...EXAMPLE, algorithm }, 'Circle of Life')).toBe(response)
})

it('computes the response of RFC 2069 where there is no quality of protection', () => {
  const input = {
    algorithm: 'MD5',
    username: 'Mufasa',
    realm: 'testrealm@host.com',
    nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
    method: 'GET',
    uri: '/dir/index.html',
    qop: undefined,
  } as const
  expect(digestResponse(input, 'CircleOfLife')).toBe('1949323746fe6a43ef61f9606e7febea')
})

it('reads several challenges that were joined with commas', () => {
  const text =
    'Digest realm="a, Digest b", nonce="n1", algorithm=SHA-256, qop="auth,auth-int",' +
    'Digest realm="r\\"q", nonce=n2, stale=TRUE'
  const read = parseDigests(text.replace('a, Digest b', 'a')).map((each) =>
    Object.fromEntries(each),
  )
  expect(read).toEqual([
    { realm: 'a', nonce: 'n1', algorithm: 'SHA-256', qop: 'auth,auth-int' },
    { realm: 'r"q', nonce: 'n2', stale: 'TRUE' },
  ])
})

const challenge = (text: string, status = 401) => ({
  status,
  get: (name: string) => (name.startsWith(status === 401 ? 'WWW' : 'Proxy') ? text : undefined),
})
const REQUEST = { method: 'INVITE', uri: 'sip:a@b' }
const CREDENTIALS = { username: 'u', password: 'p' }

it('answers SHA-256 before MD5, and a proxy in its own header', () => {
  const text = 'Digest realm="r", nonce="m",Digest realm="r", nonce="s", algorithm=SHA-256'
  const headers = answerChallenge(challenge(text, 407), REQUEST, CREDENTIALS)
  expect(headers?.['Proxy-Authorization']).toMatch(
    /^Digest username="u", realm="r", nonce="s", uri="sip:a@b", response="[0-9a-f]{64}", algorithm=SHA-256$/,
  )
})

it.each([
  'Digest realm="r", nonce="n", algorithm=SHA-512-256',
  'Digest realm="r", nonce="n", algorithm=MD5-sess',
  'Digest realm="r", nonce="n", qop="auth-int"',
  'Digest realm="r\u0001", nonce="n"',
  'Digest realm="r"',
  'Basic realm="r"',
  '',
])('cannot answer %j', (text) => {
  expect(answerChallenge(challenge(text), REQUEST, CREDENTIALS)).toBeUndefined()
})

it('tells a stale nonce from wrong credentials', () => {
  expect(isStale(challenge('Digest realm="r", nonce="n", stale=TRUE'))).toBe(true)
  expect(isStale(challenge('Digest realm="r", nonce="n"'))).toBe(false)
})
