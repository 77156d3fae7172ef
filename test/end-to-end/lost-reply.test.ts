import { expect, it } from 'vitest'
import type { Database } from '../../src/db/queryable.ts'
import { watchForForgottenCalls } from '../../src/flow/recover-calls.ts'
import { createSteps } from '../../src/flow/steps.ts'
import { startService } from '../sip/support/service.ts'
import { openFlow } from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

/** What is asked of it is stored, and nobody hears of that. */
const losingReplies = (database: Database): Database => ({
  ...database,
  transaction: async (work) => {
    await database.transaction(work)
    throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  },
})

it('a call that was stored although its caller heard 503 is ended by its process', async () => {
  const { database, deps } = await openFlow()
  const { signal } = new AbortController()
  const steps = createSteps({ ...deps, database: losingReplies(database) }, signal)
  const service = await startService({ flow: steps })
  const { callerPhone, controller } = service
  const caller = service.dial()
  callerPhone.sendRaw(caller.ack(await callerPhone.expect('503 INVITE')))
  await waitFor(() => controller.liveCalls() === 0, { what: 'the call to be over' })
  const call = async () =>
    (await database.query(`select state, end_reason, conversion, reason from calls`)).rows
  expect(await call()).toMatchObject([{ state: 'ringing' }])

  const { rows } = await database.query<{ id: string }>('select process_id id from calls')
  const processId = rows[0]?.id ?? ''
  await watchForForgottenCalls(deps, { processId, live: controller.liveCallUuids })()
  expect(await call()).toEqual([
    {
      state: 'ended',
      end_reason: 'bridge_lost',
      conversion: 'not_converted',
      reason: 'not_connected',
    },
  ])
})
