import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, startEngine } from '../../src/sip/engine/engine.ts'
import { eventually } from '../sip/engine/support/eventually.ts'
import { CASES } from './cases.ts'
import { onStage } from './stage.ts'
import type { Subject } from './subject.ts'

const T1_MS = 30
const SECOND_MS = 10
const faults: unknown[] = []
let engine: Engine
let subject: Subject

beforeAll(async () => {
  engine = await startEngine(
    {
      sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      admin: { host: '127.0.0.1', port: 0 },
      secret: 'secret',
      timers: { t1Ms: T1_MS, t2Ms: 120, t4Ms: 60, secondMs: SECOND_MS },
    },
    (error) => faults.push(error),
  )
  const { host = '', port = 0 } = engine.sip[0] ?? {}
  const { admin } = engine
  subject = {
    kind: 'engine',
    admin,
    secret: 'secret',
    sip: { host, port },
    timeoutMs: 64 * T1_MS,
    secondMs: SECOND_MS,
  }
})

afterAll(() => engine.close())

describe('the embedded engine does what a drachtio application relies on', () => {
  for (const [part, cases] of Object.entries(CASES))
    describe(part, () => {
      it.each(cases)('$name', async ({ run }) => {
        await onStage(subject, run)
        expect(faults).toEqual([])
      })
    })

  it('and keeps nothing of it', async () => {
    let left = ''
    const look = async (): Promise<void> => {
      const { tables } = await engine.stats()
      left = Object.entries(tables)
        .filter(
          ([name, size]) =>
            size > 0 && !['sockets', 'sources', 'applications', 'names'].includes(name),
        )
        .map(([name, size]) => `${name}: ${size}`)
        .join(', ')
    }
    await look()
    await eventually(
      () => {
        void look()
        return left === ''
      },
      () => `still there: ${left}`,
      64 * T1_MS + 4_000,
    )
  })
})
