import { DatabaseError } from 'pg'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../../src/db/queryable.ts'
import { claim, attempted } from '../../delivery/support/lanes.ts'
import { aDelivery, insertCalls, queue, readLanes } from '../../delivery/support/outbox.ts'
import { startReceiver } from '../../delivery/support/receiver.ts'
import { startWorker } from '../../delivery/support/worker.ts'
import { openTestDatabase, type TestDatabase } from '../../support/database.ts'
import { finish } from '../../../src/db/finished-attempts.ts'
import { deliveryId } from '../../../src/domain/delivery.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

async function openApi() {
  const database = await openTestDatabase()
  const woken = { count: 0 }
  const { app } = openTestServer({ database, wakeDelivery: () => (woken.count += 1) })
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  return {
    database,
    woken,
    get: (path: string) => app.inject({ url: `/api/v1${path}`, headers }),
    post: (path: string) => app.inject({ method: 'POST', url: `/api/v1${path}`, headers }),
  }
}

const idOf = (callUuid: string, trackingUrlId = 'ping', occurrence = 0) =>
  deliveryId({ callUuid, trackingUrlId, occurrence })

/** Queues one delivery for each call, and gives them up. */
async function failAll(db: TestDatabase, callUuids: readonly string[], url?: string) {
  await queue(
    db,
    callUuids.map((callUuid) => aDelivery(callUuid, url === undefined ? {} : { url })),
  )
  const claimed = await claim(db, { perHostMax: 1_000, limit: 1_000 })
  await finish(
    db,
    claimed.map((one) => attempted(one, { kind: 'done', state: 'failed' })),
  )
}

const RANGE = 'created_from=2026-01-01'

describe('GET /api/v1/deliveries?state=failed', () => {
  it('gives the ids to send again singly, each once over all pages, newest calls first (B14)', async () => {
    const { database, get, post } = await openApi()
    const callUuids = await insertCalls(database, 5)
    await failAll(database, callUuids)
    const listed: string[] = []
    let path: string | undefined = '/deliveries?state=failed&limit=2'
    while (path !== undefined) {
      const response = await get(path)
      listed.push(...response.json<{ id: string }[]>().map(({ id }) => id))
      const link = String(response.headers['link'] ?? '')
      path = /^<\/api\/v1(\/deliveries\?state=failed&limit=2&before=[^>]+)>; rel="next"$/.exec(
        link,
      )?.[1]
    }
    expect(listed).toEqual(callUuids.toReversed().map((callUuid) => idOf(callUuid)))

    await post(`/deliveries/${listed[2]}/resend`)
    const left = (await get('/deliveries?state=failed')).json<{ id: string }[]>()
    expect(left.map(({ id }) => id)).toEqual(listed.toSpliced(2, 1))
  })

  it('shows what failed and why, and lists it again when it fails again', async () => {
    const { database, get, post } = await openApi()
    const [callUuid = ''] = await insertCalls(database, 1)
    await failAll(database, [callUuid])
    await post(`/deliveries/${idOf(callUuid)}/resend`)
    const [again] = await claim(database)
    await finish(database, [attempted(again, { kind: 'done', state: 'failed' })])

    expect((await get('/deliveries?state=failed')).json()).toMatchObject([
      {
        id: idOf(callUuid),
        call_uuid: callUuid,
        campaign_id: 'solar',
        host: 'partner.example',
        url: 'http://partner.example/ping?key=[call_key]',
        state: 'failed',
        attempts: [
          { attempt: 1, status: 200 },
          { attempt: 2, status: 200 },
        ],
      },
    ])
  })

  it.each([
    ['', 2],
    ['&created_from=2100-01-01', 0],
    ['&created_to=2026-01-02', 0],
    ['&campaign=solar', 2],
    ['&campaign=other', 0],
    ['&tracking_url=ping', 2],
    ['&tracking_url=sale', 0],
    ['&host=partner.example', 1],
    ['&host=other.example:8443', 1],
  ])('lists with %j as many as %i', async (filters, count) => {
    const { database, get } = await openApi()
    const [first = '', second = '', delivered = ''] = await insertCalls(database, 3)
    await failAll(database, [first])
    await failAll(database, [second], 'https://other.example:8443/p?x=[call_key]')
    await queue(database, [aDelivery(delivered)])
    await finish(database, [attempted((await claim(database))[0])])
    expect((await get(`/deliveries?state=failed${filters}`)).json()).toHaveLength(count)
  })

  it.each([
    ['', 'state'],
    ['state=queued', 'state'],
    [`state=failed&call=${'0'.repeat(32)}`, 'state'],
    ['state=failed&before=x', 'before'],
    ['state=failed&limit=201', 'limit'],
    ['state=failed&created_from=x', 'created_from'],
    ['state=failed&unknown=1', ''],
  ])('refuses %j and names what is wrong', async (query, path) => {
    const { get } = await openApi()
    const response = await get(`/deliveries?${query}`)
    expect([response.statusCode, response.json()]).toMatchObject([400, { problems: [{ path }] }])
  })
})

describe('POST /api/v1/deliveries/{id}/resend', () => {
  it('sends a failed delivery again under the same id, each attempt in sight (B14)', async () => {
    const { database, get, post, woken } = await openApi()
    const status = { now: 410 }
    const receiver = await startReceiver((_, response) => response.writeHead(status.now).end())
    const worker = startWorker(database)
    const [callUuid = ''] = await insertCalls(database, 1)
    await queue(database, [aDelivery(callUuid, { url: receiver.origin })])
    await worker.idle()
    expect((await get(`/deliveries/${idOf(callUuid)}`)).json()).toMatchObject({ state: 'failed' })

    status.now = 200
    const response = await post(`/deliveries/${idOf(callUuid)}/resend`)
    expect(response.json()).toEqual({
      id: idOf(callUuid),
      state: 'queued',
      result: 'queued_again',
    })
    expect(woken.count).toBe(1)
    await worker.idle()

    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([
      idOf(callUuid),
      idOf(callUuid),
    ])
    expect((await get(`/deliveries/${idOf(callUuid)}`)).json()).toMatchObject({
      id: idOf(callUuid),
      state: 'delivered',
      attempts: [
        { attempt: 1, status: 410 },
        { attempt: 2, status: 200 },
      ],
    })
    expect(await readLanes(database)).toEqual([])
  })

  it('makes one that waits for its retry due at once, and counts it once', async () => {
    const { database, post } = await openApi()
    const [callUuid = ''] = await insertCalls(database, 1)
    await queue(database, [aDelivery(callUuid)])
    const [claimed] = await claim(database)
    await finish(database, [attempted(claimed, { kind: 'retry', delaySeconds: 3_600 })])

    const response = await post(`/deliveries/${idOf(callUuid)}/resend`)
    expect(response.json()).toMatchObject({ result: 'hurried' })
    const [lane] = await readLanes(database)
    expect(lane).toMatchObject({ pending: 1, attempt: 1 })
    expect(lane?.dueInSeconds).toBeLessThanOrEqual(0)
  })

  it('leaves a lane to the worker that holds it', async () => {
    const { database, post } = await openApi()
    const [callUuid = ''] = await insertCalls(database, 1)
    await failAll(database, [callUuid])
    await queue(database, [aDelivery(callUuid, { occurrence: 1 })])
    const [held] = await claim(database)

    await post(`/deliveries/${idOf(callUuid)}/resend`)
    expect(await readLanes(database)).toMatchObject([{ pending: 2, isLeased: true }])
    expect(await claim(database)).toEqual([])
    await finish(database, [attempted(held)])
    expect(await claim(database)).toMatchObject([{ occurrence: 0, attempt: 1 }])
  })

  it.each(['x', `${'0'.repeat(32)}_ping_0`, `${'0'.repeat(32)}_ping_99999999999`])(
    'has nothing at %s',
    async (id) => {
      const { get, post } = await openApi()
      expect((await post(`/deliveries/${id}/resend`)).statusCode).toBe(404)
      expect((await get(`/deliveries/${id}`)).statusCode).toBe(404)
    },
  )
})

describe('POST /api/v1/deliveries/resend', () => {
  it('sends every failed delivery of a range again, and no other', async () => {
    const { database, post } = await openApi()
    const callUuids = await insertCalls(database, 1_201)
    await failAll(database, callUuids.slice(0, 1_000))
    const delivered = callUuids.slice(1_000)
    await queue(
      database,
      delivered.map((callUuid) => aDelivery(callUuid)),
    )
    const claimed = await claim(database, { perHostMax: 1_000, limit: 1_000 })
    await finish(
      database,
      claimed.map((one) => attempted(one)),
    )

    expect((await post(`/deliveries/resend?${RANGE}&dry_run=true`)).json()).toEqual({
      dry_run: true,
      count: 1_000,
      more: false,
      last: idOf(callUuids[999] ?? ''),
    })
    expect(await readLanes(database)).toEqual([])
    expect((await post(`/deliveries/resend?${RANGE}&limit=700`)).json()).toEqual({
      dry_run: false,
      count: 700,
      more: true,
      last: idOf(callUuids[699] ?? ''),
    })
    expect((await post(`/deliveries/resend?${RANGE}`)).json()).toMatchObject({ count: 300 })
    expect((await post(`/deliveries/resend?${RANGE}`)).json()).toMatchObject({ count: 0 })
    expect(await readLanes(database)).toHaveLength(1_000)
    expect((await post(`/deliveries/resend?${RANGE}&state=delivered`)).json()).toMatchObject({
      count: 201,
      more: false,
    })
  })

  it.each([
    ['campaign=solar', 1],
    ['campaign=other', 0],
    ['host=partner.example', 1],
    ['host=other.example', 0],
  ])('takes of those that were delivered with %s %i', async (filter, count) => {
    const { database, post } = await openApi()
    const [delivered = '', failed = ''] = await insertCalls(database, 2)
    await failAll(database, [failed])
    await queue(database, [aDelivery(delivered)])
    await finish(database, [attempted((await claim(database))[0])])
    const response = await post(`/deliveries/resend?${RANGE}&state=delivered&${filter}`)
    expect(response.json()).toMatchObject({ count })
  })

  it.each([
    ['created_from=2026-01-01', 2],
    ['created_from=2100-01-01', 0],
    [`${RANGE}&created_to=2026-01-02`, 0],
    [`${RANGE}&campaign=solar`, 2],
    [`${RANGE}&campaign=other`, 0],
    [`${RANGE}&tracking_url=ping`, 2],
    [`${RANGE}&tracking_url=sale`, 0],
    [`${RANGE}&host=partner.example`, 1],
    [`${RANGE}&host=other.example:8443`, 1],
  ])('takes %s as %i', async (query, count) => {
    const { database, post } = await openApi()
    const [first = '', second = ''] = await insertCalls(database, 2)
    await failAll(database, [first])
    await failAll(database, [second], 'https://other.example:8443/p?x=[call_key]')
    const response = await post(`/deliveries/resend?${query}`)
    expect(response.json()).toMatchObject({ count })
  })

  it.each([
    ['', 'created_from'],
    ['created_from=yesterday', 'created_from'],
    [`${RANGE}&state=queued`, 'state'],
    [`${RANGE}&limit=10001`, 'limit'],
    [`${RANGE}&unknown=1`, ''],
  ])('refuses %j and names what is wrong', async (query, path) => {
    const { post } = await openApi()
    const response = await post(`/deliveries/resend?${query}`)
    expect([response.statusCode, response.json()]).toMatchObject([400, { problems: [{ path }] }])
  })

  it('goes on behind the last one of the request before', async () => {
    const { database, post } = await openApi()
    const callUuids = await insertCalls(database, 3)
    await queue(
      database,
      callUuids.map((callUuid) => aDelivery(callUuid)),
    )
    const claimed = await claim(database, { perHostMax: 10, limit: 10 })
    await finish(
      database,
      claimed.map((one) => attempted(one)),
    )
    const [, second = '', third = ''] = callUuids
    const range = `/deliveries/resend?${RANGE}&state=delivered`
    const first = (await post(`${range}&limit=2`)).json<{ last: string }>()
    expect(first).toMatchObject({ count: 2, more: true, last: idOf(second) })

    const rest = await post(`${range}&after=${first.last}`)
    expect(rest.json()).toMatchObject({ count: 1, more: false, last: idOf(third) })
    expect((await post(`${range}&after=${idOf(third)}`)).json()).toEqual({
      dry_run: false,
      count: 0,
      more: false,
      last: idOf(third),
    })
  })

  it('tells one of two operators that nothing was left to do, and records nothing', async () => {
    const { database, post, get } = await openApi()
    await failAll(database, await insertCalls(database, 20))
    const answers = await Promise.all([1, 2].map(() => post(`/deliveries/resend?${RANGE}`)))
    const counts = answers.map((answer) => answer.json<{ count: number }>().count)
    expect(counts.reduce((sum, count) => sum + count)).toBe(20)
    const acts = (await get('/audit')).json<{ details: { count: number } }[]>()
    expect(acts.map(({ details }) => details.count)).toEqual(counts.filter((count) => count > 0))
  })
})

describe('POST /api/v1/deliveries/resend of a range that takes long', () => {
  const gaveUp = Object.assign(new DatabaseError('statement timeout', 0, 'error'), {
    code: '57014',
  })

  /** 600 deliveries that failed, and a database that looks for some as often as it is let. */
  async function openSlow(searches: number) {
    const database = await openTestDatabase()
    await failAll(database, await insertCalls(database, 600))
    let searched = 0
    const slow: Database = {
      ...database,
      transaction: (work, options) => {
        const isSearch = options?.statementTimeoutMs !== undefined
        if (isSearch && (searched += 1) > searches) return Promise.reject(gaveUp)
        return database.transaction(work, options)
      },
    }
    const { app, logLines } = openTestServer({ database: slow })
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const url = `/api/v1/deliveries/resend?${RANGE}`
    const ask = (more = '') => app.inject({ method: 'POST', url: `${url}${more}`, headers })
    return { ask, logLines }
  }

  it.each(['', '&dry_run=true'])('says so where nothing was done (%j)', async (more) => {
    const { ask } = await openSlow(0)
    const answer = await ask(more)
    expect([answer.statusCode, answer.json()]).toMatchObject([422, { code: 'search_too_slow' }])
  })

  it('says how far it has come, where a part was done', async () => {
    const { ask, logLines } = await openSlow(1)
    const answer = await ask()
    expect([answer.statusCode, answer.json()]).toMatchObject([200, { count: 500, more: true }])
    expect(logLines.join('')).toContain('delivery.resend_ended_early')
  })
})
