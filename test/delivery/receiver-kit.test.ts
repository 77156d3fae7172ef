import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { type ReceivedWebhook, receiveWebhook, rememberDeliveries } from '../../src/receiver-kit.ts'
import { openTestDatabase } from '../support/database.ts'
import { aDelivery, insertCalls, queue, readDeliveries } from './support/outbox.ts'
import { startReceiver } from './support/receiver.ts'
import { startWorker } from './support/worker.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

it('takes what the worker sends, once each, also when an answer is lost (B14)', async () => {
  const db = await openTestDatabase()
  const taken: string[] = []
  const options = {
    secrets: [SECRET],
    seen: rememberDeliveries(),
    onDelivery: (id: string) => void taken.push(id),
  }
  let isAnswerLost = true
  const receiver = await startReceiver((request, response) => {
    void receiveWebhook(options, request satisfies ReceivedWebhook).then(({ status }) => {
      if (isAnswerLost) response.destroy()
      else response.writeHead(status).end()
      isAnswerLost = false
    })
  })
  const worker = startWorker(db)
  const [callUuid = ''] = await insertCalls(db, 1)
  await db.query(`insert into campaign_versions values ('solar', 2, $1)`, [
    JSON.stringify({ tracking_urls: [{ id: 'ping', secrets: [SECRET] }] }),
  ])
  const body = { type: 'bridged', data: { caller_number: '+1' } } as const
  await queue(db, [aDelivery(callUuid, { url: receiver.origin, method: 'POST', body })])
  await worker.idle()
  await db.setClock('10 seconds')
  worker.wake()
  await worker.idle()

  expect(receiver.requests).toHaveLength(2)
  expect(taken).toEqual([`${callUuid.replaceAll('-', '')}_ping_0`])
  expect(await readDeliveries(db)).toMatchObject([{ state: 'delivered' }])
})

it('verifies the request that docs/receivers.md makes with curl', async () => {
  const [, script = ''] =
    /```sh\n([\s\S]*?)```/.exec(readFileSync('docs/receivers.md', 'utf8')) ?? []
  // The same commands, with the request printed instead of sent.
  const printed = execFileSync('bash', ['-c', `curl() { printf '%s\\n' "$@"; }\n${script}`], {
    encoding: 'utf8',
  })
  const headers = Object.fromEntries(
    [...printed.matchAll(/^(webhook-[a-z]+): (.+)$/gm)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>
  const body = /^\{.*\}$/m.exec(printed)?.[0] ?? ''
  const [, secret = ''] = /secret=(whsec_\S+)/.exec(script) ?? []
  const options = { secrets: [secret], seen: rememberDeliveries(), onDelivery: () => {} }
  expect(await receiveWebhook(options, { headers, body })).toEqual({ status: 204 })
})
