import { expect, it, onTestFinished } from 'vitest'
import { buildAddressPolicy } from '../../src/delivery/address-policy.ts'
import { createDispatcher, type DispatcherOptions } from '../../src/delivery/dispatcher.ts'
import { exchange } from '../../src/delivery/exchange.ts'
import { createTrials } from '../../src/delivery/trial.ts'
import { CERTIFICATE } from './support/certificates.ts'
import { startProxy } from './support/proxy.ts'
import { startReceiver } from './support/receiver.ts'

function get(url: string, options: Partial<DispatcherOptions>, timeoutMs = 2_000) {
  const dispatcher = createDispatcher({
    policy: buildAddressPolicy(['127.0.0.1']),
    connectionsPerOrigin: 2,
    connectTimeoutMs: timeoutMs,
    resolve: () => Promise.resolve(['127.0.0.1']),
    ...options,
  })
  onTestFinished(() => dispatcher.destroy())
  const request = { method: 'GET', headers: {}, body: undefined, timeoutMs } as const
  return exchange(dispatcher, { url: new URL(url), ...request })
}

it('sends requests through the proxy, which sees the host and not the URL', async () => {
  const [receiver, proxy] = [await startReceiver(), await startProxy()]
  const url = `http://partner.test:${receiver.port}/ping?key=secret`
  expect(await get(url, { proxyUrl: proxy.url })).toMatchObject({ kind: 'answered', status: 200 })
  expect(proxy.asked).toEqual([`partner.test:${receiver.port}`])
  expect(receiver.requests).toMatchObject([
    { path: '/ping?key=secret', headers: { host: `partner.test:${receiver.port}` } },
  ])
  expect(proxy.authorizations).toEqual([undefined])
})

it('verifies the certificate of the host at the far end of the proxy', async () => {
  const receiver = await startReceiver(undefined, { certificate: CERTIFICATE })
  const proxy = await startProxy()
  const through = { proxyUrl: proxy.url, ca: CERTIFICATE }
  const port = receiver.port
  const good = await get(`https://receiver.test:${port}/`, through)
  const wrong = await get(`https://partner.test:${port}/`, through)
  expect(good).toMatchObject({ kind: 'answered', status: 200 })
  expect(wrong).toEqual({ kind: 'broken', reason: 'tls_failed' })
})

it('tells the proxy who it is where the proxy wants to know', async () => {
  const [receiver, proxy] = [await startReceiver(), await startProxy()]
  const proxyUrl = proxy.url.replace('//', '//us%40er:p%3Ass@')
  await get(`http://partner.test:${receiver.port}/`, { proxyUrl })
  expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('us@er:p:ss').toString('base64')}`])
})

it.each([
  ['a private address in the URL', 'http://127.0.0.2:8080/', ['127.0.0.1']],
  ['a name with a private address', 'http://partner.test/', ['10.0.0.1']],
  ['a name with a public and a private address', 'http://partner.test/', ['8.8.8.8', '10.0.0.1']],
  ['a port that is not for the web', 'http://partner.test:25/', ['8.8.8.8']],
])('asks the proxy for nothing where %s is not allowed', async (_, url, addresses) => {
  const proxy = await startProxy()
  const resolve = () => Promise.resolve(addresses)
  const refused = { kind: 'broken', reason: 'address_not_allowed' }
  expect(await get(url, { proxyUrl: proxy.url, resolve })).toEqual(refused)
  expect(proxy.asked).toEqual([])
})

it.each([
  ['refuses', { status: 403 }, 'proxy_refused'],
  ['wants a password', { status: 407 }, 'proxy_refused'],
  ['says nothing', { silent: true }, 'timeout'],
])('says so where the proxy %s', async (_, options, reason) => {
  const proxy = await startProxy(options)
  const result = await get('http://partner.test:8080/', { proxyUrl: proxy.url }, 200)
  expect(result).toEqual({ kind: 'broken', reason })
})

it('says so where the proxy is not there', async () => {
  const result = await get('http://partner.test:8080/', { proxyUrl: 'http://127.0.0.1:1' })
  expect(result).toEqual({ kind: 'broken', reason: 'connection_refused' })
})

it('says in user-agent where to ask about it, in trials, too', async () => {
  const [receiver, proxy] = [await startReceiver(), await startProxy()]
  const trials = createTrials({
    policy: buildAddressPolicy(['127.0.0.1']),
    proxyUrl: proxy.url,
    contactUrl: 'https://calls.example.com/webhooks',
  })
  onTestFinished(() => trials.close())
  await trials.run({
    method: 'GET',
    url: `${receiver.origin}/`,
    body: undefined,
    getAfterHeadRefused: true,
    deliveryId: 'test_1',
    secrets: [],
  })
  expect(receiver.requests[0]?.headers['user-agent']).toMatch(
    /^Bridgeback\/\d+\.\d+\.\d+ \(\+https:\/\/calls\.example\.com\/webhooks\)$/,
  )
  expect(proxy.asked).toHaveLength(1)
})
