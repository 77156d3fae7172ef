import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { DATABASE_AWAY, type ServiceSettings } from './service.ts'

/** The service, killed and started again until the harness has had enough. */
export interface Victim {
  readonly port: number
  readonly killCount: () => number
  /** What it said last where it died without being killed. Complete once it is closed. */
  readonly deaths: readonly string[]
  /** Resolves once there is one that is ready. */
  readonly whenUp: () => Promise<void>
  /** Rejects if it cannot be started again; never resolves. */
  readonly failure: Promise<never>
  /** Lets the present one live. */
  readonly spare: () => Promise<void>
  /** Ends it for good. */
  readonly close: () => Promise<void>
}

/** How it is tormented. */
export interface VictimOptions {
  readonly settings: Omit<ServiceSettings, 'port'>
  readonly seededBug: string | undefined
  /** Where compiled code is kept from one life to the next. */
  readonly compileCache: string
  /** Between 0 and 1. */
  readonly random: () => number
}

/** From the moment it is ready; a second on average. */
const LIFE_MS_MIN = 500
const LIFE_MS_MAX = 1_500
const READY_MS_MAX = 60_000

/** Starts the service on a free port, and from then on kills it about every second. */
export async function startVictim(options: VictimOptions): Promise<Victim> {
  let kills = 0
  const deaths: string[] = []
  let living = await start(options, 0)
  const { port } = living
  let up = Promise.resolve()
  const sparing = new AbortController()
  let isClosed = false

  async function torment(): Promise<void> {
    for (;;) {
      const lifeMs = LIFE_MS_MIN + (LIFE_MS_MAX - LIFE_MS_MIN) * options.random()
      await delay(lifeMs, undefined, { signal: sparing.signal }).catch(() => {})
      if (sparing.signal.aborted) return
      const next = Promise.withResolvers<void>()
      up = next.promise
      if (isDead(living)) deaths.push(living.said())
      else kills += 1
      await kill(living)
      living = await start(options, port)
      next.resolve()
    }
  }
  const tormenting = torment()
  const failure = tormenting.then(() => new Promise<never>(() => {}))
  failure.catch(() => {})

  const spare = async () => {
    sparing.abort()
    await tormenting
  }
  return {
    port,
    killCount: () => kills,
    deaths,
    whenUp: () => up,
    failure,
    spare,
    async close() {
      await spare().catch(() => {})
      if (isDead(living) && !isClosed) deaths.push(living.said())
      isClosed = true
      await kill(living)
    },
  }
}

interface Life {
  readonly child: ChildProcess
  readonly port: number
  /** What it has written about its end. */
  readonly said: () => string
}

const isDead = ({ child }: Life): boolean => child.exitCode !== null || child.signalCode !== null

async function kill(life: Life): Promise<void> {
  if (isDead(life)) return
  const { child } = life
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

async function start(
  { settings, seededBug, compileCache }: VictimOptions,
  port: number,
): Promise<Life> {
  for (;;) {
    const child = fork(path('./service.ts'), [JSON.stringify({ ...settings, port })], {
      execArgv: seededBug === undefined ? [] : ['--import', path('./preload.ts')],
      env: {
        PATH: process.env['PATH'],
        TMPDIR: process.env['TMPDIR'],
        NODE_COMPILE_CACHE: compileCache,
        ...(seededBug !== undefined && { FAULTS_SEEDED_BUG: seededBug }),
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const said = lastWords(child)
    const ready = await untilReady(child)
    if (ready !== undefined) return { child, port: ready, said }
    if (child.exitCode !== DATABASE_AWAY) {
      throw new Error(`the service under test did not start: ${said()}`)
    }
  }
}

/** What went wrong comes first, and the insides of what threw it after. */
const WORDS_MAX = 1_000

function lastWords(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on(
    'data',
    (chunk: Buffer) => (text = (text + chunk.toString()).slice(0, WORDS_MAX)),
  )
  return () => text
}

/** The port; undefined if it ended first. */
async function untilReady(child: ChildProcess): Promise<number | undefined> {
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS_MAX)
  try {
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [
      { readonly port?: number } | number | null,
    ]
    return typeof message === 'object' ? message?.port : undefined
  } finally {
    clearTimeout(timer)
  }
}
