import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { sendProblem } from './errors.ts'
import { described, json } from './openapi/route-description.ts'

/** Whether something that the service needs is there; one that throws or takes long is away. */
export type ReadinessCheck = () => boolean | Promise<boolean>

/** What is watched. */
export interface HealthDeps {
  /** By the name that is told to monitors, such as `database` and `sip`. */
  readonly readiness: Readonly<Record<string, ReadinessCheck>>
}

const CHECK_TIMEOUT_MS = 2_000

const ALIVE = described({
  group: 'Monitoring',
  summary: 'Tells that the process answers',
  answers: { 200: json('It does.', z.object({ status: z.literal('ok') })) },
})
const READY = described({
  group: 'Monitoring',
  summary: 'Tells whether there is what the service needs: the database, SIP',
  answers: { 200: json('There is.', z.object({ status: z.literal('ready') })) },
  problems: ['not_ready'],
})

/** `/healthz` says that the process answers; `/readyz` that it has what it needs. Both take HEAD. */
export function registerHealth(app: FastifyInstance, { readiness }: HealthDeps): void {
  app.get('/healthz', { exposeHeadRoute: true, ...ALIVE }, () => ({ status: 'ok' }))
  app.get('/readyz', { exposeHeadRoute: true, ...READY }, async (_request, reply) => {
    const away = await findAway(readiness)
    if (away.length > 0) return sendProblem(reply, 'not_ready', { away })
    return { status: 'ready' }
  })
}

async function findAway(readiness: HealthDeps['readiness']): Promise<readonly string[]> {
  const checked = await Promise.all(
    Object.entries(readiness).map(async ([name, check]) => ((await isThere(check)) ? [] : [name])),
  )
  return checked.flat()
}

async function isThere(check: ReadinessCheck): Promise<boolean> {
  const timeout = new AbortController()
  try {
    const tooLate = delay(CHECK_TIMEOUT_MS, false, { signal: timeout.signal })
    tooLate.catch(() => {}) // aborted below
    return await Promise.race([check(), tooLate])
  } catch {
    return false
  } finally {
    timeout.abort()
  }
}
