import { setTimeout as delay } from 'node:timers/promises'
import { startApplication } from '../engine-rig/application.ts'
import type { ApplicationSettings } from '../engine-rig/application-process.ts'
import type { Outage } from './judge.ts'

/** An application that is killed again and again. */
export interface MortalApplication {
  readonly outages: readonly Outage[]
  /** How it ended when nobody had killed it. */
  readonly deaths: readonly string[]
  /** From now on it is killed every so often. */
  readonly torment: (everyMs: number) => void
  /** Lets the present one live. */
  readonly spare: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts the bare B2BUA, and again whenever it has died. */
export async function startMortalApplication(
  settings: ApplicationSettings,
): Promise<MortalApplication> {
  const outages: Outage[] = []
  const deaths: string[] = []
  const sparing = new AbortController()
  let tormenting = Promise.resolve()
  let living = await startApplication(settings)

  async function killAndRestart(): Promise<void> {
    const killedAtMs = Date.now()
    if (isDead()) deaths.push(await living.exited)
    await living.kill()
    living = await startApplication(settings)
    outages.push({ killedAtMs, backAtMs: Date.now() + 1 })
  }
  const isDead = () => living.process.exitCode !== null || living.process.signalCode !== null

  async function tormentEvery(everyMs: number): Promise<void> {
    for (;;) {
      await delay(everyMs, undefined, { signal: sparing.signal }).catch(() => {})
      if (sparing.signal.aborted) return
      await killAndRestart()
    }
  }
  return {
    outages,
    deaths,
    torment(everyMs) {
      tormenting = tormentEvery(everyMs)
      tormenting.catch(() => {}) // whoever spares it hears of it
    },
    async spare() {
      sparing.abort()
      await tormenting
      if (isDead()) deaths.push(await living.exited)
    },
    async close() {
      sparing.abort()
      await tormenting.catch(() => {})
      await living.kill()
    },
  }
}
