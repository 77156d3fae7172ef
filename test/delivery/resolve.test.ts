import { expect, it } from 'vitest'
import { buildAddressPolicy } from '../../src/delivery/address-policy.ts'
import { createDispatcher } from '../../src/delivery/dispatcher.ts'
import { exchange } from '../../src/delivery/exchange.ts'
import { createResolve } from '../../src/delivery/resolve.ts'
import { startNameServer } from '../support/name-server.ts'
import { startReceiver } from './support/receiver.ts'

it('gives every address of a name, IPv6 first', async () => {
  const server = await startNameServer(() => ['192.0.2.1', '192.0.2.2', '2001:db8::1'])
  const resolve = createResolve({ servers: [server] })
  const addresses = await resolve('partner.test')
  expect(addresses[0]).toBe('2001:db8::1')
  expect(addresses.toSorted()).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1'])
})

it('gives what there is where a name has only one kind', async () => {
  const server = await startNameServer(() => ['192.0.2.1'])
  expect(await createResolve({ servers: [server] })('partner.test')).toEqual(['192.0.2.1'])
})

it('asks the machine about names that DNS does not know', async () => {
  const server = await startNameServer(() => 3)
  const addresses = await createResolve({ servers: [server] })('localhost')
  expect(addresses).toContain('127.0.0.1')
})

it('says that nobody knows a name', async () => {
  const server = await startNameServer(() => 3)
  const found = createResolve({ servers: [server] })('nowhere.invalid')
  await expect(found).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:ENOTFOUND|EAI_AGAIN)$/) as string,
  })
})

it.each([
  ['does not answer', 'silence'],
  ['refuses to answer', 5],
] as const)('asks nobody else when the name server %s', async (_, answer) => {
  const server = await startNameServer(() => answer)
  const found = createResolve({ servers: [server], timeoutMs: 50 })('localhost')
  await expect(found).rejects.toMatchObject({ code: 'EDNS' })
})

it('is not held up by names that nobody answers for', async () => {
  const server = await startNameServer((name) => (name === 'good.test' ? ['192.0.2.1'] : 'silence'))
  const resolve = createResolve({ servers: [server], timeoutMs: 500 })
  const silent = Array.from({ length: 20 }, (_, n) => resolve(`silent${n}.test`))
  const first = await Promise.race([resolve('good.test'), ...silent])
  expect(first).toEqual(['192.0.2.1'])
  expect(await Promise.allSettled(silent)).toMatchObject(silent.map(() => ({ status: 'rejected' })))
})

it('connects to nothing when a name moves from an allowed to a private address', async () => {
  const receiver = await startReceiver()
  let address = '127.0.0.1'
  const server = await startNameServer(() => [address])
  const rebind = async () => {
    const dispatcher = createDispatcher({
      policy: buildAddressPolicy(['127.0.0.1']),
      connectionsPerOrigin: 1,
      resolve: createResolve({ servers: [server] }),
    })
    const url = new URL(`http://rebind.test:${receiver.port}/`)
    const request = { method: 'GET', headers: {}, body: undefined, timeoutMs: 2_000 } as const
    const result = await exchange(dispatcher, { url, ...request })
    await dispatcher.destroy()
    return result
  }

  expect(await rebind()).toMatchObject({ kind: 'answered' })
  address = '127.0.0.2'
  expect(await rebind()).toEqual({ kind: 'broken', reason: 'address_not_allowed' })
  expect(receiver.connectionCount()).toBe(1)
})
