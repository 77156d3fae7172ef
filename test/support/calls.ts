import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Phones, startPhones, stopPhones } from '../../sip-scenarios/phones.ts'
import { openRig, type Target } from '../../sip-scenarios/rig.ts'
import { findCalls, type Stage } from '../../sip-scenarios/run.ts'
import type { Scenario } from '../../sip-scenarios/scenario.ts'

const localIp = '127.0.0.1'

/** A scenario in the middle of being played. */
export interface PlacedCall {
  readonly stage: Stage
  readonly phones: Phones
}

/** Configures a service for these scenarios alone; their SIP messages are kept if the test fails. */
export async function stageScenarios(
  target: Target,
  scenarios: readonly Scenario[],
): Promise<readonly Stage[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeback-sipp-'))
  const rig = await openRig({ target, scenarios, localIp, folder })
  onTestFinished(async ({ task }) => {
    // The service may be gone by now; the rig's own sockets are closed all the same.
    await rig.close().catch(() => {})
    if (task.result?.state !== 'fail') await rm(folder, { recursive: true, force: true })
  })
  return scenarios.map((scenario) => rig.stage(scenario))
}

/** Starts the phones of a scenario; they are stopped with the test. */
export async function placeCall(stage: Stage): Promise<PlacedCall> {
  const phones = await startPhones(stage)
  onTestFinished(() => stopPhones(phones))
  return { stage, phones }
}

/**
 * Whether the call is in this state and everything queued for it so far has been sent: a request
 * whose fate a crash leaves unknown may be made again, and tests count each.
 */
export async function isQuietIn({ api, plan }: Stage, state: string): Promise<boolean> {
  const call = (await findCalls({ api, plan })).find((call) => call.state === state)
  if (!call) return false
  const deliveries = await api.deliveries(call.uuid)
  return deliveries.every((delivery) => delivery.state === 'delivered')
}
