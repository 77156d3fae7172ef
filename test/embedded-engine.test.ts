import type { Worker } from 'node:worker_threads'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { type EmbeddedEngine, startEmbeddedEngine } from '../src/embedded-engine.ts'
import { openFrames } from './conformance/frames.ts'
import { caller } from './sip/engine/support/caller.ts'
import { openPhone, valueOf } from './sip/engine/support/phone.ts'
import { createTlsRig } from './support/tls-files.ts'
import { eventually } from './sip/engine/support/eventually.ts'
import { waitFor } from './support/wait.ts'

const ADDRESS = { host: '127.0.0.1', port: 0, transports: ['udp', 'tcp'] } as const
const running: EmbeddedEngine[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((engine) => engine.close()))
})

it('says in the log what has come of reading the certificate again', async () => {
  const rig = createTlsRig()
  const logged: string[] = []
  const note = (event: string): void => void logged.push(event)
  const log = { debug: note, info: note, warn: note, error: note }
  const { certificateFile, keyFile } = rig
  const tls = { certificateFile, keyFile, port: 0 }
  const engine = await startEmbeddedEngine({ ...ADDRESS, transports: ['tls'], tls }, { log })
  running.push(engine)
  rig.spoil()
  await engine.reloadCertificate()
  rig.renew()
  await engine.reloadCertificate()
  rig.renew(new Date('2026-01-01'))
  await engine.reloadCertificate()
  expect(logged).toEqual([
    'engine.certificate_read',
    'engine.certificate_refused',
    'engine.certificate_read',
    'engine.certificate_expired',
  ])
})

it('lets addresses send what they like that it was told of while it was started again', async () => {
  const threads: Worker[] = []
  const onThread = (thread: Worker): void => {
    if (threads.push(thread) === 2) engine.setExempt(['127.0.0.1'])
  }
  process.on('worker', onThread)
  onTestFinished(() => void process.off('worker', onThread))
  const ignore = (): void => undefined
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const engine = await startEmbeddedEngine(ADDRESS, { log })
  running.push(engine)
  await threads[0]?.terminate()
  const counters = async () => (await engine.stats().catch(() => undefined))?.counters
  await waitFor(counters, { what: 'another engine' })
  const frames = await openFrames(engine.server)
  const { words } = await frames.ask(`authenticate|${engine.server.secret}|`)
  frames.close()
  const phone = await openPhone(Number(words[1]?.split(':').at(-1)))
  onTestFinished(phone.close)
  const from = caller(phone, 5060)
  for (let at = 0; at < 120; at++) {
    phone.sendRaw(from.invite().replaceAll('INVITE', 'OPTIONS').replaceAll('-invite', `-${at}`))
  }
  const heard = async () => {
    const counted = await counters()
    return (counted?.['requestsReceived'] ?? 0) >= 120 && counted
  }
  expect(await waitFor(heard, { what: 'the requests' })).toMatchObject({ requestsLimited: 0 })
})

it('writes into messages what others reach it under', async () => {
  const ignore = (): void => undefined
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const engine = await startEmbeddedEngine({ ...ADDRESS, publicHost: '203.0.113.5' }, { log })
  running.push(engine)
  const frames = await openFrames(engine.server)
  const { words } = await frames.ask(`authenticate|${engine.server.secret}|`)
  expect(words[1]).toMatch(/^udp\/203\.0\.113\.5:\d+,tcp\/203\.0\.113\.5:\d+$/)
  const port = Number(words[1]?.split(':').at(-1))
  const phone = await openPhone(port)
  const uri = `sip:bob@127.0.0.1:${phone.port}`
  await frames.ask('sip||', `INVITE ${uri} SIP/2.0\r\nContent-Length: 0\r\n\r\n`)
  const invite = await phone.expect('INVITE')
  expect(invite.via).toMatchObject({ host: '203.0.113.5', port })
  expect(valueOf(invite, 'contact')).toBe(`<sip:203.0.113.5:${port}>`)
  expect(valueOf(invite, 'from')).toContain(`<sip:203.0.113.5:${port}>`)
  phone.answer(invite, 486)
  await phone.expect('ACK')
  frames.close()
  await phone.close()
})

it('asks for a certificate that can be used', async () => {
  const ignore = (): void => undefined
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const tls = { port: 0, certificateFile: '/nowhere.crt', keyFile: '/nowhere.key' }
  const sip = { ...ADDRESS, transports: ['tls'], tls } as const
  await expect(startEmbeddedEngine(sip, { log })).rejects.toMatchObject({
    code: 'invalid_configuration',
    message: 'Cannot read the TLS certificate /nowhere.crt: there is no such file.',
  })
})

it('logs a fault of the engine, such as a range to exempt that is none', async () => {
  const errors: (readonly [string, object])[] = []
  const ignore = (): void => undefined
  const error = (event: string, fields: object): void => {
    errors.push([event, fields])
  }
  const log = { debug: ignore, info: ignore, warn: ignore, error }
  const engine = await startEmbeddedEngine(ADDRESS, { log, exempt: ['203.0.113.0/24'] })
  running.push(engine)
  engine.setExempt(['198.51.100.7', 'carrier'])
  const [event, fields] = await eventually(
    () => errors[0],
    () => 'nothing was logged',
  )
  expect([event, fields]).toEqual([
    'engine.fault',
    {
      error: new Error(
        '"carrier" is no address and no CIDR range: write 203.0.113.0/24 or an address.',
      ),
    },
  ])
})
