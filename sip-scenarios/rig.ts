import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createApi } from './api.ts'
import { type Plan, planScenarios, withoutScenarios, withScenarios } from './plan.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import type { Stage } from './run.ts'
import type { Scenario } from './scenario.ts'
import { requireSipp } from './sipp.ts'

/** A running service. */
export interface Target {
  readonly sip: { readonly host: string; readonly port: number }
  /** Base of its HTTP side. */
  readonly api: string
  readonly apiKey: string
}

export interface RigOptions {
  readonly target: Target
  readonly scenarios: readonly Scenario[]
  /** Where SIPp and the tracking URLs' receiver listen; the service has to reach it. */
  readonly localIp: string
  /** Logs go into a folder below it for each scenario. */
  readonly folder: string
}

/** A service that is configured for the scenarios. */
export interface Rig {
  /** Everything that one of the scenarios runs on. Each can run once, side by side with the others. */
  stage(scenario: Scenario): Stage
  /** Gives the service its former configuration back. */
  close(): Promise<void>
}

/**
 * Adds a campaign, buyers and a number for each scenario to what the service is configured with.
 * @throws AppError if SIPp is missing or the service cannot be reached
 */
export async function openRig({ target, scenarios, localIp, folder }: RigOptions): Promise<Rig> {
  requireSipp()
  const { sip } = target
  const api = createApi(target.api, target.apiKey)
  const before = await api.configuration()
  const receiver = await startReceiver(localIp)
  const plans = await planScenarios(scenarios, localIp)
  const release = () => releaseAll(receiver, plans)
  try {
    await api.configure(withScenarios(before, plans, { localIp, sip, receiverUrl: receiver.url }))
  } catch (error) {
    await release()
    throw error
  }
  return {
    stage(scenario) {
      const plan = plans.find((plan) => plan.scenario === scenario)
      assert(plan, `${scenario.name} is not one of the rig's scenarios`)
      return { plan, api, receiver, localIp, sip, folder: join(folder, scenario.name) }
    },
    async close() {
      try {
        await api.configure(withoutScenarios(before))
      } finally {
        await release()
      }
    },
  }
}

async function releaseAll(receiver: Receiver, plans: readonly Plan[]): Promise<void> {
  const ports = plans.flatMap(({ callerPort, buyerPorts }) => [callerPort, ...buyerPorts])
  await Promise.all([receiver.close(), ...ports.map((port) => port.release())])
}
