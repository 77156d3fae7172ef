import { afterEach, expect, it } from 'vitest'
import { type EmbeddedEngine, startEmbeddedEngine } from '../src/embedded-engine.ts'
import { eventually } from './sip/engine/support/eventually.ts'

const ADDRESS = { host: '127.0.0.1', port: 0, transports: ['udp', 'tcp'] } as const
const running: EmbeddedEngine[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((engine) => engine.close()))
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
