import assert from 'node:assert/strict'
import type { SrfApplication } from '../../sip/engine/support/application.ts'
import { eventually } from '../../sip/engine/support/eventually.ts'
import { callThrough } from '../sipp.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'

const CALLS = 100
const LOSSES = [1, 3, 5]

/** An application that bridges to the SIPp that the called user names, and counts what becomes of it. */
async function openBridge(stage: Stage, ports: ReadonlyMap<string, number>) {
  const count = { bridged: 0, ended: 0, failed: [] as string[] }
  const { srf }: SrfApplication = await stage.application({
    invite: (req, res) => {
      const [, user = ''] = /^sip:([^@]+)@/.exec(req.uri) ?? []
      const uri = `sip:bob@127.0.0.1:${ports.get(user) ?? 9}`
      srf.createB2BUA(req, res, uri).then(
        ({ uac, uas }) => {
          count.bridged++
          uas.on('destroy', () => void uac.destroy().then(() => count.ended++))
        },
        (error: unknown) => count.failed.push(`${user}: ${String(error)}`),
      )
    },
  })
  return count
}

/** Calls through createB2BUA while both SIPps lose messages: all of them come to their end. */
async function carriesAll(stage: Stage): Promise<void> {
  const ports = new Map<string, number>()
  const count = await openBridge(stage, ports)
  const callAll = (lostPercent: number): Promise<number | null> =>
    callThrough(stage.subject.sip, { calls: CALLS, callsPerSecond: 20, lostPercent }, (port) => {
      ports.set(`lost${lostPercent}`, port)
    })
  const outcomes = await Promise.all(LOSSES.map(callAll))
  assert.deepEqual(count.failed, [])
  assert.deepEqual(
    outcomes,
    LOSSES.map(() => 0),
  )
  await eventually(
    () => count.ended === CALLS * LOSSES.length,
    () => JSON.stringify(count),
  )
}

/** What gets lost on the way is sent again, by whoever's turn it is. */
export const LOSS_CASES: readonly Case[] = [
  {
    name: `${CALLS} calls each are complete although both sides lose ${LOSSES.join(', ')} % of all messages`,
    isPatient: true,
    seconds: 100,
    run: carriesAll,
  },
]
