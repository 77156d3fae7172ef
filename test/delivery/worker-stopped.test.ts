import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/db/queryable.ts'
import { openTestDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait.ts'
import { aDelivery, insertCalls, queue, readAttempts, readDeliveries } from './support/outbox.ts'
import { startReceiver } from './support/receiver.ts'
import { startWorker } from './support/worker.ts'
import type { WorkerProcessSettings } from './support/worker-process.ts'

it('is refused what it stores after it was stopped for longer than its lease (B14)', async () => {
  const db = await openTestDatabase()
  const first = Promise.withResolvers<() => void>()
  const third = Promise.withResolvers<() => void>()
  const receiver = await startReceiver((_, response) => {
    const answer = () => void response.end()
    if (receiver.requests.length === 1) first.resolve(answer)
    else if (receiver.requests.length === 3) third.resolve(answer)
    else answer()
  })
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [
    aDelivery(callUuid, { url: receiver.origin, occurrence: 1 }),
    aDelivery(callUuid, { url: receiver.origin, occurrence: 2 }),
  ])

  const stopped = startProcess({ connection: db.connection, deadlineMs: 1_000, leaseMs: 1_500 })
  const answerLate = await first.promise
  stopped.signal('SIGSTOP')
  const other = startWorker(db, { pollMs: 50 })
  // The other one holds the lane for the second delivery while the late result comes for the first.
  const answerOther = await third.promise
  answerLate()
  stopped.signal('SIGCONT')
  const late = await waitFor(() => stopped.attempted()[0], { what: 'the late result' })
  answerOther()
  await waitFor(() => other.attempted.length === 2, { what: 'the second delivery' })

  expect(late).toMatchObject({ stored: 'stale' })
  expect(other.attempted).toMatchObject([{ stored: 'stored' }, { stored: 'stored' }])
  const ids = receiver.requests.map(({ headers }) => String(headers['webhook-id']).slice(-1))
  expect(ids).toEqual(['1', '1', '2'])
  expect(await readDeliveries(db)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }])
  expect(await readAttempts(db)).toMatchObject([
    { occurrence: 1, attempt: 1 },
    { occurrence: 2, attempt: 1 },
  ])
})

it('begins no request that might outlive its lease, and gives the lane back', async () => {
  const db = await openTestDatabase()
  const receiver = await startReceiver()
  const [callUuid = ''] = await insertCalls(db, 1)
  await queue(db, [aDelivery(callUuid, { url: receiver.origin })])
  let nowMs = 0
  let sawRequests = -1
  // Between claiming and sending the process stands still for longer than lease and deadline differ.
  const standingStill: Database = {
    ...db,
    async query(statement, values) {
      const result = await db.query<never>(statement, values)
      if (typeof statement === 'string') return result
      if (statement.name === 'find-signing-secrets') nowMs += 5_001
      if (statement.name === 'release-lanes') sawRequests = receiver.requests.length
      return result
    },
  }
  const worker = startWorker(standingStill, { monotonicMs: () => nowMs })
  await worker.idle()
  await waitFor(() => sawRequests >= 0, { what: 'the lane to be given back' })
  await worker.idle()

  expect(sawRequests).toBe(0)
  expect(worker.lines).toContainEqual({
    event: 'delivery.problem',
    fields: { call_uuid: callUuid, tracking_url_id: 'ping', error: 'it was too late to begin' },
  })
  expect(worker.attempted).toMatchObject([{ attempt: 1, stored: 'stored' }])
  expect(receiver.requests).toHaveLength(1)
})

function startProcess(settings: WorkerProcessSettings) {
  const path = fileURLToPath(new URL('./support/worker-process.ts', import.meta.url))
  const child = fork(path, [JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const lines: { event: string; fields: object }[] = []
  child.on('message', (line) => lines.push(line as (typeof lines)[number]))
  onTestFinished(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  })
  return {
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    attempted: () =>
      lines.flatMap(({ event, fields }) => (event === 'delivery.attempted' ? [fields] : [])),
  }
}
