import { expect, it, onTestFinished } from 'vitest'
import { buildAddressPolicy } from '../../src/delivery/address-policy.ts'
import { createDispatcher, type DispatcherOptions } from '../../src/delivery/dispatcher.ts'
import { exchange } from '../../src/delivery/exchange.ts'
import { startReceiver } from './support/receiver.ts'

function get(url: string, options: Partial<DispatcherOptions>) {
  const policy = buildAddressPolicy(['127.0.0.1'])
  const dispatcher = createDispatcher({ policy, connectionsPerOrigin: 2, ...options })
  onTestFinished(() => dispatcher.destroy())
  const request = { method: 'GET', headers: {}, body: undefined, timeoutMs: 2_000 } as const
  return exchange(dispatcher, { url: new URL(url), ...request })
}

const refused = { kind: 'broken', reason: 'address_not_allowed' }
const answers = (...addresses: string[]) => ({ resolve: () => Promise.resolve(addresses) })

it('connects to the address that DNS answered with and that was checked', async () => {
  const receiver = await startReceiver()
  const result = await get(`http://partner.test:${receiver.port}/`, answers('127.0.0.1'))
  expect(result).toMatchObject({ kind: 'answered', status: 200 })
  expect(receiver.requests[0]?.headers['host']).toBe(`partner.test:${receiver.port}`)
})

it('goes on to the next address where the first does not answer', async () => {
  const receiver = await startReceiver()
  const policy = buildAddressPolicy(['127.0.0.0/8'])
  const options = { ...answers('127.0.0.9', '127.0.0.1'), policy }
  const result = await get(`http://partner.test:${receiver.port}/`, options)
  expect(result).toMatchObject({ kind: 'answered', status: 200 })
})

it.each([
  ['a private address', ['127.0.0.2']],
  ['an allowed and a private address', ['127.0.0.1', '10.0.0.1']],
  ['a private address last', ['127.0.0.1', '127.0.0.1', '::1']],
  ['an embedded address', ['::ffff:127.0.0.1']],
  ['no address', []],
  ['something else', ['partner.test']],
])('connects to nothing when DNS answers with %s', async (_, addresses) => {
  const receiver = await startReceiver()
  const result = await get(`http://partner.test:${receiver.port}/`, answers(...addresses))
  expect(result).toEqual(refused)
  expect(receiver.connectionCount()).toBe(0)
})

it('asks DNS once a connection, so that no second answer can slip in', async () => {
  const receiver = await startReceiver()
  let asked = 0
  const resolve = () => {
    asked += 1
    return Promise.resolve([asked === 1 ? '127.0.0.1' : '127.0.0.2'])
  }
  const result = await get(`http://rebind.test:${receiver.port}/`, { resolve })
  expect(result).toMatchObject({ kind: 'answered', status: 200 })
  expect(asked).toBe(1)
})

it.each([
  ['an address', 'http://127.0.0.2'],
  ['a name of this machine', 'http://localhost'],
  ['IPv6', 'http://[::1]'],
])('checks %s that DNS is never asked about', async (_, origin) => {
  const receiver = await startReceiver()
  const policy = buildAddressPolicy([])
  const resolve = () => Promise.reject(new Error('must not be asked'))
  expect(await get(`${origin}:${receiver.port}/`, { policy, resolve })).toEqual(refused)
  expect(receiver.connectionCount()).toBe(0)
})

it('says that a name does not exist', async () => {
  const resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
  const result = await get('http://nowhere.test/', { resolve })
  expect(result).toEqual({ kind: 'broken', reason: 'dns_failed' })
})

it('is not held up by a name server that does not answer', async () => {
  const resolve = () => new Promise<never>(() => {})
  const policy = buildAddressPolicy([])
  const dispatcher = createDispatcher({ policy, connectionsPerOrigin: 2, resolve })
  onTestFinished(() => dispatcher.destroy())
  const url = new URL('http://silent.test/')
  const request = { method: 'GET', headers: {}, body: undefined, timeoutMs: 100 } as const
  expect(await exchange(dispatcher, { url, ...request })).toEqual({
    kind: 'broken',
    reason: 'timeout',
  })
})

it('sends nothing on a connection that came up after the deadline', async () => {
  const receiver = await startReceiver()
  const answer = Promise.withResolvers<string[]>()
  const policy = buildAddressPolicy(['127.0.0.1'])
  const dispatcher = createDispatcher({
    policy,
    connectionsPerOrigin: 1,
    resolve: () => answer.promise,
  })
  onTestFinished(() => dispatcher.destroy())
  const request = { method: 'GET', headers: {}, body: undefined } as const
  const late = new URL(`http://slow.test:${receiver.port}/late`)
  const next = new URL(`http://slow.test:${receiver.port}/next`)

  const first = await exchange(dispatcher, { ...request, url: late, timeoutMs: 50 })
  const second = exchange(dispatcher, { ...request, url: next, timeoutMs: 2_000 })
  answer.resolve(['127.0.0.1'])

  expect(first).toEqual({ kind: 'broken', reason: 'timeout' })
  expect(await second).toMatchObject({ kind: 'answered' })
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/next'])
})
