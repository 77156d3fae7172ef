import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { openNames } from '../../../../src/sip/engine/transport/names.ts'
import { type NameAnswer, startNameServer } from '../../../support/name-server.ts'

async function open(zone: Readonly<Record<string, NameAnswer>>) {
  const asked: string[] = []
  const clock = { ms: 0 }
  const server = await startNameServer((name) => {
    asked.push(name)
    return zone[name] ?? 3
  })
  return { asked, clock, names: openNames([server], () => clock.ms) }
}

it('believes addresses for the time that they come with', async () => {
  const { asked, clock, names } = await open({ 'a.test': ['192.0.2.1'] })
  await names.addresses('a.test', 4)
  clock.ms = 799
  await names.addresses('a.test', 4)
  expect(asked).toHaveLength(1)
  clock.ms = 1_000
  expect(await names.addresses('a.test', 4)).toEqual(['192.0.2.1'])
  expect(asked).toHaveLength(2)
})

it('believes for half a minute that there is nothing', async () => {
  const { asked, clock, names } = await open({})
  expect(await names.services('_sip._udp.a.test')).toEqual([])
  clock.ms = 23_999
  await names.services('_sip._udp.a.test')
  expect(asked).toHaveLength(1)
  clock.ms = 30_000
  await names.services('_sip._udp.a.test')
  expect(asked).toHaveLength(2)
})

it('believes SRV records for a minute', async () => {
  const { asked, clock, names } = await open({
    '_sip._udp.a.test': [{ srv: [1, 2, 5070, 'b.test'] }],
  })
  const record = { name: 'b.test', port: 5070, priority: 1, weight: 2 }
  expect(await names.services('_sip._udp.a.test')).toMatchObject([record])
  clock.ms = 47_999
  await names.services('_sip._udp.a.test')
  expect(asked).toHaveLength(1)
})

it('asks the machine for a name that DNS does not know', async () => {
  const { names } = await open({})
  expect(await names.addresses('localhost', 4)).toEqual(['127.0.0.1'])
})

it('asks the machine where no name server is', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  const names = openNames([`127.0.0.1:${port}`], () => 0)
  expect(await names.addresses('localhost', 4)).toEqual(['127.0.0.1'])
})

it('has nothing while a name server refuses to answer', async () => {
  const { names } = await open({ 'a.test': 5 })
  expect(await names.addresses('a.test', 4)).toEqual([])
})
