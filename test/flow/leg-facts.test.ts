import { expect, it } from 'vitest'
import { endCalls } from '../../src/flow/end-call.ts'
import { openTestDatabase } from '../support/database.ts'
import { beginCall, bridgeCall, flowOn } from '../support/flow.ts'

it('keeps the instant at which a leg was first said to be answered, however often it is told', async () => {
  const database = await openTestDatabase()
  const deps = await flowOn(database)
  const { callUuid, ...facts } = await beginCall(deps)
  await bridgeCall(deps, { callUuid, ...facts })
  const answeredAt = async () =>
    (await database.query('select answered_at from legs where call_uuid = $1', [callUuid])).rows
  const first = await answeredAt()

  await endCalls(deps, [
    {
      callUuid,
      endedAgoMs: 0,
      connectedMs: 60_000,
      totalMs: 70_000,
      hungUpBy: 'caller',
      endReason: 'caller_hung_up',
      sipStatus: 200,
      legs: [{ leg: 1, answeredAgoMs: 60_000, endedAgoMs: 0 }],
    },
  ])

  expect(await answeredAt()).toEqual(first)
})
