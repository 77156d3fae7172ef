import { type Engine, startEngine } from '../../src/sip/engine/engine.ts'
import type { Case, Subject } from './subject.ts'
import { startWideEngine } from './wide-engine.ts'

/** An engine to be looked at, and the engine itself. */
export interface EngineSubject {
  readonly engine: Engine
  readonly subject: Subject
}

/**
 * Three engines: one with short timers for most cases, one for those that need SIP's own, and one with
 * every transport.
 */
export interface EngineSubjects {
  readonly all: readonly EngineSubject[]
  readonly of: (one: Pick<Case, 'isPatient' | 'needs'>) => Subject
  readonly close: () => Promise<void>
}

/** T1, and how long a second of Session-Expires and Timer C is. */
interface Pace {
  readonly t1Ms: number
  readonly secondMs: number
}

/** 64·T1 is 1.9 s, so that waiting for it is not long. */
const QUICK: Pace = { t1Ms: 30, secondMs: 10 }

/** 64·T1 is 12.8 s: six times what others send again after half a second. */
const PATIENT: Pace = { t1Ms: 200, secondMs: 1_000 }

/** Starts the engines on free ports. */
export async function startEngineSubjects(
  onFault: (error: unknown) => void,
): Promise<EngineSubjects> {
  const quick = await start(QUICK, onFault)
  const patient = await start(PATIENT, onFault)
  const wide = await startWideEngine(timersOf(QUICK), onFault)
  const all = [quick, patient, wide]
  return {
    all,
    of: ({ isPatient, needs }) => (needs ? wide : isPatient ? patient : quick).subject,
    close: async () => {
      await Promise.all(all.map(({ engine }) => engine.close()))
    },
  }
}

const timersOf = ({ secondMs, t1Ms }: Pace) => ({
  t1Ms,
  t2Ms: 4 * t1Ms,
  t4Ms: 2 * t1Ms,
  timerCMs: 200 * secondMs,
  secondMs,
})

async function start(pace: Pace, onFault: (error: unknown) => void): Promise<EngineSubject> {
  const engine = await startEngine(
    {
      sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      admin: { host: '127.0.0.1', port: 0 },
      secret: 'secret',
      timers: timersOf(pace),
    },
    onFault,
  )
  const { host = '', port = 0 } = engine.sip[0] ?? {}
  const { admin } = engine
  const sip = { host, port }
  return {
    engine,
    subject: {
      kind: 'engine',
      admin,
      secret: 'secret',
      sip,
      timeoutMs: 64 * pace.t1Ms,
      secondMs: pace.secondMs,
    },
  }
}
