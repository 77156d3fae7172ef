import { expect, it } from 'vitest'
import { untilPhonesAreOver } from '../../sip-scenarios/phones.ts'
import { judgeStage } from '../../sip-scenarios/run.ts'
import type { Scenario } from '../../sip-scenarios/scenario.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { isQuietIn, placeCall, stageScenarios } from '../support/calls.ts'
import { findLeftovers, makeDataDir, sameAddresses, startService } from '../support/service.ts'
import { waitFor } from '../support/wait.ts'

const LIVE_CALL: Scenario = { ...pick('complete'), caller: 'uac-talks-on-expect-200' }

const NEW_CALL: Scenario = {
  name: 'while-stopping',
  proves: 'A service that is stopping takes no new calls.',
  caller: 'uac-draining-expect-503',
  buyers: ['not-called'],
  expected: { requests: [] },
}

it(
  'a service that is told to stop lets a live call go on and answers new ones with 503',
  { timeout: 120_000 },
  async () => {
    const dataDir = await makeDataDir()
    const stopped = await startService(dataDir)
    const [liveStage, newStage] = await stageScenarios(stopped, [LIVE_CALL, NEW_CALL])
    if (!liveStage || !newStage) throw new Error('nothing was staged')
    const live = await placeCall(liveStage)
    await waitFor(() => isQuietIn(liveStage, 'bridged'), {
      what: 'the call to be bridged',
      deadlineMs: 15_000,
    })

    stopped.signal('SIGTERM')
    const refused = await placeCall(newStage)
    expect(await untilPhonesAreOver(refused.phones)).toEqual([])
    expect(await untilPhonesAreOver(live.phones)).toEqual([])
    expect(await stopped.exited).toBe(0)

    // What the call has led to is told by the next process at the latest.
    const restarted = await startService(dataDir, sameAddresses(stopped))
    expect(await judgeStage(liveStage, live.phones, [])).toEqual([])
    expect(await judgeStage(newStage, refused.phones, [])).toEqual([])
    restarted.signal('SIGTERM')
    expect(await restarted.exited).toBe(0)
    expect(await findLeftovers(dataDir)).toEqual({
      liveCalls: 0,
      unsentLanes: 0,
      databaseServers: 0,
    })
  },
)

function pick(name: string): Scenario {
  const scenario = SCENARIOS.find((scenario) => scenario.name === name)
  if (!scenario) throw new Error(`there is no scenario ${name}`)
  return scenario
}

it('takes a signal that comes twice at once, from the terminal and from node --watch, for one', async () => {
  const service = await startService(await makeDataDir())
  service.signal('SIGINT')
  await waitFor(() => service.said().includes('SIGINT: '), {
    what: 'the first signal to be heard',
    deadlineMs: 5_000,
  })
  service.signal('SIGINT')
  expect(await service.exited).toBe(0)
})
