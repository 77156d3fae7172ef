import { mkdtemp, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApi } from '../../sip-scenarios/api.ts'
import { isPlayable } from '../../sip-scenarios/plan.ts'
import { openRig, type Rig } from '../../sip-scenarios/rig.ts'
import { runScenario } from '../../sip-scenarios/run.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { type OwnService, startOwnService } from '../../sip-scenarios/service.ts'

/*
 * Real calls between SIPp processes through a whole service. What each scenario has to leave behind
 * is said in sip-scenarios/scenarios; a failure names the folder of its message logs.
 */

const localIp = '127.0.0.1'
const scenarios = SCENARIOS.filter((scenario) => isPlayable(scenario, localIp))
let folder: string
let service: OwnService
let rig: Rig

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bridgeback-sipp-'))
  service = await startOwnService({ localIp, env: process.env })
  rig = await openRig({ target: service, scenarios, localIp, folder })
})

afterAll(async () => {
  const api = createApi(service.api, service.apiKey)
  const live = [
    ...(await api.calls({ state: 'ringing' })),
    ...(await api.calls({ state: 'bridged' })),
  ]
  await rig.close()
  await service.close()
  await rmdir(folder).catch(() => {}) // logs of failures stay
  expect(live).toEqual([])
})

describe('SIPp scenario', () => {
  it.concurrent.for(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s passes on every side',
    { timeout: 120_000 },
    async ([, scenario], { expect }) => {
      const result = await runScenario(rig.stage(scenario))
      expect(result.failures, `SIP messages are in ${result.folder}`).toEqual([])
      await rm(result.folder, { recursive: true, force: true })
    },
  )
})
