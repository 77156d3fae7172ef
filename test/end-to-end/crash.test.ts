import { describe, expect, it } from 'vitest'
import { untilPhonesAreOver } from '../../sip-scenarios/phones.ts'
import type { Target } from '../../sip-scenarios/rig.ts'
import { findCalls, judgeStage } from '../../sip-scenarios/run.ts'
import type { Scenario } from '../../sip-scenarios/scenario.ts'
import { isQuietIn, placeCall, type PlacedCall, stageScenarios } from '../support/calls.ts'
import { findLeftovers, makeDataDir, sameAddresses, startService } from '../support/service.ts'
import { waitFor } from '../support/wait.ts'

/** Decided by silence, soon after its end. */
const SILENT_CALL: Scenario = {
  name: 'killed-while-waiting',
  proves: 'A call whose postback is waited for is settled once, whatever happens to the process.',
  caller: 'uac-hangs-up-expect-200',
  buyers: ['uas-answers'],
  configuration: {
    groups: [
      {
        id: 'sales',
        type: 'postback',
        postback_timeout_seconds: 3,
        conversions: [{ name: 'posted', value: 'posted' }],
      },
    ],
  },
  expected: {
    call: {
      buyer: 1,
      conversion: 'not_converted',
      reason: 'no_postback',
      hungUpBy: 'caller',
      endReason: 'caller_hung_up',
      sipStatus: 200,
      revenue: null,
      payout: null,
      legs: ['200'],
      ledger: ['settlement not_converted'],
    },
    requests: [
      'GET /start',
      'GET /selected?buyer=1',
      'HEAD /bridged?from=caller',
      'GET /finished?by=caller&status=200',
      'GET /not_converted',
    ],
  },
}

const LIVE_CALL: Scenario = {
  ...SILENT_CALL,
  name: 'killed-while-talking',
  caller: 'uac-waits-for-bye-expect-200',
  expected: {
    call: {
      buyer: 1,
      conversion: 'not_converted',
      reason: 'no_postback',
      hungUpBy: 'bridge',
      endReason: 'bridge_lost',
      sipStatus: 200,
      revenue: null,
      payout: null,
      legs: ['200'],
      ledger: ['settlement not_converted'],
    },
    requests: [
      'GET /start',
      'GET /selected?buyer=1',
      'HEAD /bridged?from=caller',
      'GET /finished?by=bridge&status=200',
      'GET /not_converted',
    ],
  },
}

/** The embedded database is the service's alone, so its next start need not wait for a missed heartbeat. */
const RECOVERY_MS_MAX = 15_000

describe('a service that is killed', () => {
  it(
    'between the end of a call and its timeout settles it once when it is back (B10)',
    { timeout: 120_000 },
    async () => {
      const dataDir = await makeDataDir()
      const killed = await startService(dataDir)
      const { stage, phones } = await placeOnly(killed, SILENT_CALL)
      expect(await untilPhonesAreOver(phones)).toEqual([])
      await waitFor(() => isQuietIn(stage, 'ended'), {
        what: 'the end of the call',
        deadlineMs: 15_000,
      })

      expect((await findCalls(stage)).map(({ conversion }) => conversion)).toEqual(['pending'])
      killed.signal('SIGKILL')
      await killed.exited
      const restarted = await startService(dataDir, sameAddresses(killed))

      expect(await judgeStage(stage, phones, [])).toEqual([])
      restarted.signal('SIGTERM')
      expect(await restarted.exited).toBe(0)
      expect(await findLeftovers(dataDir)).toEqual(NOTHING)
    },
  )

  it(
    'during a call closes it at its last sign of life and settles it',
    { timeout: 120_000 },
    async () => {
      const dataDir = await makeDataDir()
      const killed = await startService(dataDir)
      const { stage, phones } = await placeOnly(killed, LIVE_CALL)
      await waitFor(() => isQuietIn(stage, 'bridged'), {
        what: 'the call to be bridged',
        deadlineMs: 15_000,
      })

      killed.signal('SIGKILL')
      await killed.exited
      const restarted = await startService(dataDir, sameAddresses(killed))
      await waitFor(() => isQuietIn(stage, 'ended'), {
        what: 'the call to be closed',
        deadlineMs: RECOVERY_MS_MAX,
      })

      expect(await judgeStage(stage, phones, [])).toEqual([])
      restarted.signal('SIGTERM')
      expect(await restarted.exited).toBe(0)
      expect(await findLeftovers(dataDir)).toEqual(NOTHING)
    },
  )
})

const NOTHING = { liveCalls: 0, unsentLanes: 0, databaseServers: 0 }

async function placeOnly(target: Target, scenario: Scenario): Promise<PlacedCall> {
  const [stage] = await stageScenarios(target, [scenario])
  if (!stage) throw new Error('nothing was staged')
  return placeCall(stage)
}
