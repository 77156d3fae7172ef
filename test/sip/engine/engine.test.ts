import { afterEach, expect, it, vi } from 'vitest'
import { type Engine, type EngineOptions, startEngine } from '../../../src/sip/engine/engine.ts'
import { connectApplication } from './support/application.ts'
import { caller } from './support/caller.ts'
import { openPhone } from './support/phone.ts'

const OPTIONS: EngineOptions = {
  sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
  admin: { host: '127.0.0.1', port: 0 },
  secret: 'secret',
}

const engines: Engine[] = []

async function start(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await startEngine({ ...OPTIONS, ...options })
  engines.push(engine)
  return engine
}

async function eventuallyCounted(
  engine: Engine,
  counters: Readonly<Record<string, number>>,
): Promise<void> {
  await vi.waitFor(async () => {
    expect((await engine.stats()).counters).toMatchObject(counters)
  })
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(async (engine) => engine.close()))
})

it('answers a call from a thread of its own', async () => {
  const engine = await start()
  const port = engine.sip[0]?.port ?? 0
  const phone = await openPhone(port)
  const application = await connectApplication(engine, { invite: (_req, res) => res.send(486) })
  phone.sendRaw(caller(phone, port).invite())
  await phone.expect(486)
  expect((await engine.stats()).counters).toMatchObject({ requestsReceived: 1, callsIn: 1 })
  application.kill()
  await phone.close()
})

it('exempts sources from the limit, and ends their ban, while it runs', async () => {
  const guard = { requestsPerSecond: 1, burst: 1, exemptLoopback: false }
  const engine = await start({ guard })
  const port = engine.sip[0]?.port ?? 0
  const phone = await openPhone(port)
  for (let at = 0; at < 4; at++) phone.sendRaw(caller(phone, port).invite())
  await eventuallyCounted(engine, { sourcesBanned: 1, messagesDropped: 1 })
  engine.setExempt(['127.0.0.0/8'])
  phone.inbox.splice(0)
  for (let at = 0; at < 4; at++) phone.sendRaw(caller(phone, port).invite())
  await eventuallyCounted(engine, { requestsReceived: 8 })
  expect((await engine.stats()).counters).toMatchObject({ requestsLimited: 2 })
  await phone.close()
})

it('takes the same free port for UDP and TCP', async () => {
  const host = '127.0.0.1'
  const { sip } = await start({
    sip: [
      { transport: 'udp', host, port: 0 },
      { transport: 'tcp', host, port: 0 },
    ],
  })
  expect(sip.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  expect(sip[0]?.port).toBeGreaterThan(0)
  expect(sip[1]?.port).toBe(sip[0]?.port)
})

it('serves IPv6', async () => {
  const engine = await start({ sip: [{ transport: 'udp', host: '::1', port: 0 }] })
  const port = engine.sip[0]?.port ?? 0
  const phone = await openPhone(port, '::1')
  const application = await connectApplication(engine, {
    invite: (_req, res) => res.send(180, { headers: { contact: 'sip:x@localhost' } }),
  })
  phone.sendRaw(caller(phone, port).invite())
  expect((await phone.expect(180)).text).toContain(`Contact: <sip:x@[::1]:${port}>\r\n`)
  application.kill()
  await phone.close()
})

it('names the SIP port that is taken', async () => {
  const { sip } = await start()
  const address = { transport: 'udp', host: '127.0.0.1', port: sip[0]?.port ?? 0 } as const
  await expect(start({ sip: [address] })).rejects.toThrow(
    `Cannot listen on udp/127.0.0.1:${address.port}: another program has it`,
  )
})

it('names the control port that is taken', async () => {
  const { admin } = await start()
  await expect(start({ admin })).rejects.toThrow(`127.0.0.1:${admin.port}: another program has it`)
})

it('says which certificate cannot be used, and is not there then', async () => {
  const sip = [{ transport: 'tls', host: '127.0.0.1', port: 0 }] as const
  const tls = { certificateFile: '/nowhere/sip.crt', keyFile: '/nowhere/sip.key' }
  await expect(start({ sip, tls })).rejects.toThrow(
    'Cannot read the TLS certificate /nowhere/sip.crt: there is no such file.',
  )
})

it('says when it has ended', async () => {
  const engine = await start()
  await engine.close()
  expect(await engine.exited).toBeUndefined()
  await expect(engine.stats()).rejects.toThrow('The SIP engine has ended.')
})
