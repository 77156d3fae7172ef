import { beforeAll, describe, expect, it } from 'vitest'
import { parseCampaignRules } from '../../../src/domain/configuration-document.ts'
import { expirePostbacks } from '../../../src/flow/expire-postbacks.ts'
import { aCampaignDocument } from '../../support/configuration.ts'
import { anEndedCall, openFlow, post } from '../../support/flow.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const { numbers: _, ...definition } = aCampaignDocument()
const { database, deps } = await openFlow(parseCampaignRules(definition))
await database.query('alter table campaign_versions disable trigger user')
await database.query('update campaign_versions set definition = $1', [JSON.stringify(definition)])
/** A zone where no midnight is near, over which the calls would be settled on another day than they began. */
const hour = new Date().getUTCHours()
const inTheMiddleOfADay = hour >= 6 && hour < 18 ? 'UTC' : 'Pacific/Auckland'
const headers = { authorization: `Bearer ${ADMIN_KEY}` }

async function get(path: string) {
  const { app } = openTestServer({ database })
  const {
    statusCode,
    body,
    headers: answered,
  } = await app.inject({ url: `/api/v1${path}`, headers })
  return { statusCode, body, answered }
}

describe('GET /calls/{uuid}/why (B15)', () => {
  it('puts the decision in a sentence, with what stood in its way', async () => {
    const callUuid = await anEndedCall(deps)
    await database.setClock('601 seconds')
    await expirePostbacks(deps)
    await post(deps, callUuid, 'revenue=[revenue]')
    const { statusCode, body } = await get(`/calls/${callUuid}/why`)
    expect(statusCode).toBe(200)
    expect(JSON.parse(body)).toEqual({
      call_uuid: callUuid,
      conversion: 'not_converted',
      reason: 'no_postback',
      in_words: expect.stringMatching(
        /^not converted: no postback before \S+Z; one arrived at \S+Z with unreplaced macro \[revenue\]$/,
      ) as string,
    })
  })

  it('knows no call of that UUID', async () => {
    expect((await get('/calls/01890a5d-ac96-774b-bcce-b302099a8057/why')).statusCode).toBe(404)
    expect((await get('/calls/hello/why')).statusCode).toBe(404)
  })
})

describe('GET /reports', () => {
  interface Line {
    readonly [name: string]: string | number | null
  }
  const range = () => {
    const day = 86_400_000
    const at = (ms: number) => encodeURIComponent(new Date(Date.now() + ms).toISOString())
    return `from=${at(-10 * day)}&to=${at(10 * day)}`
  }
  const report = async (query: string) =>
    JSON.parse((await get(`/reports?${range()}&${query}`)).body) as readonly Line[]

  /** Sums of decimal text, exact. */
  const sum = (lines: readonly Line[], name: string) =>
    lines.reduce((total, line) => total + BigInt(String(line[name]).replace('.', '')), 0n)

  beforeAll(async () => {
    const calls = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        anEndedCall(deps, { callerNumber: `+121255502${String(index).padStart(2, '0')}` }),
      ),
    )
    const amounts = ['10.01', '0.01', '33.33', '999999999.99', '7.77', '0.10']
    for (const [index, revenue] of amounts.entries()) {
      await post(deps, calls[index] ?? '', `revenue=${revenue}`)
    }
    await post(deps, calls[1] ?? '', 'revenue=0.03')
    await post(deps, calls[2] ?? '', 'reversed=true')
    await database.setClock('1300 seconds')
    while ((await expirePostbacks(deps)).isFull);
    await post(deps, calls[7] ?? '', 'revenue=1.99')
    await database.setClock('26 hours')
    await post(deps, calls[0] ?? '', 'revenue=20.02')
  })

  it('counts calls and sums their money, by campaign unless said', async () => {
    expect(await report('')).toEqual([
      {
        campaign: 'solar',
        currency: 'USD',
        calls: 13,
        connected: 13,
        converted: 7,
        late: 1,
        adjusted: 3,
        revenue: '1000000029.90',
        payout: '800000023.92',
        margin: '200000005.98',
        connected_seconds: 780,
      },
    ])
  })

  it.each(['by=campaign', 'by=publisher,buyer', 'by=number,day', 'by=day,buyer,campaign'])(
    'has, %s, the sums of the ledger to the last unit, by either time',
    async (by) => {
      const { rows } = await database.query<{ revenue: string; payout: string }>(
        `select sum(revenue)::numeric(20, 2) revenue, sum(payout)::numeric(20, 2) payout
           from (select distinct on (call_uuid) revenue, payout from settlements
                  order by call_uuid, revision desc) last`,
      )
      for (const time of ['call', 'settlement']) {
        const lines = await report(`${by}&time=${time}&time_zone=Pacific/Auckland`)
        expect(sum(lines, 'revenue')).toBe(sum(rows as unknown as Line[], 'revenue'))
        expect(sum(lines, 'payout')).toBe(sum(rows as unknown as Line[], 'payout'))
        expect(sum(lines, 'calls')).toBe(13n)
      }
    },
  )

  it('puts a correction on the day on which it was made, where that is asked for', async () => {
    const byCall = await report(`by=day&time=call&time_zone=${inTheMiddleOfADay}`)
    const bySettlement = await report(`by=day&time=settlement&time_zone=${inTheMiddleOfADay}`)
    expect(bySettlement).toHaveLength(byCall.length + 1)
    expect(bySettlement.at(-1)).toMatchObject({ calls: 0, adjusted: 1, revenue: '10.01' })
  })

  it('writes CSV too', async () => {
    const { body, answered } = await get(`/reports?${range()}&by=buyer&format=csv`)
    expect(answered['content-type']).toBe('text/csv; charset=utf-8')
    expect(body).toBe(
      'buyer,currency,calls,connected,converted,late,adjusted,revenue,payout,margin,connected_seconds\r\n' +
        'solar-direct,USD,13,13,7,1,3,1000000029.90,800000023.92,200000005.98,780\r\n',
    )
  })

  it.each([
    ['by', 'caller'],
    ['by', 'day,day'],
    ['time_zone', 'Mars'],
    ['time_zone', '+05:30'],
    ['time', 'night'],
    ['format', 'xml'],
    ['from', 'x'],
    ['from', '0000-01-01'],
    ['to', '2026-02-30'],
    ['until', '2026-02-01'],
  ])('refuses %s=%s and says what is wrong', async (path, value) => {
    const query = new URLSearchParams({ from: '2026-01-01', to: '2026-02-01', [path]: value })
    const { statusCode, body } = await get(`/reports?${query.toString()}`)
    expect(statusCode).toBe(400)
    const problems = [{ path: path === 'until' ? '' : path, message: expect.any(String) as string }]
    expect(JSON.parse(body)).toMatchObject({ code: 'invalid_query', problems })
  })

  it('takes days of the zone that the rows are days of', async () => {
    const of = (query: string) => get(`/reports?by=day&${query}`)
    const all = JSON.parse((await of(`${range()}&time_zone=Asia/Tokyo`)).body) as readonly Line[]
    const [row] = all
    const day = String(row?.['day'])
    const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
    expect(JSON.parse((await of(`from=${day}&to=${next}&time_zone=Asia/Tokyo`)).body)).toEqual([
      row,
    ])
  })
})

describe('GET /postback-log (B15)', () => {
  const search = async (query: string) => {
    const { body, answered } = await get(`/postback-log?${query}`)
    return { found: JSON.parse(body) as { query: string; in_words: string }[], answered }
  }

  it.each([
    ['reason=unreplaced_macro', ['revenue=[revenue]']],
    ['text=999999', ['revenue=999999999.99']],
    ['reason=reversed&status=adjusted&campaign=solar', ['reversed=true']],
    ['status=converted&buyer=nobody', []],
    ['to=2020-01-01&from=2019-01-01', []],
  ])('finds by %s', async (query, queries) => {
    expect((await search(query)).found.map((each) => each.query)).toEqual(queries)
  })

  it('says of each what was wrong with it', async () => {
    const [first] = (await search('reason=unreplaced_macro')).found
    expect(first?.in_words).toBe('arrived with unreplaced macro [revenue]')
  })

  it('goes on page by page, the newest first', async () => {
    const first = await search('limit=2')
    const [, next = ''] =
      /<\/api\/v1\/postback-log\?(.*)>/.exec(String(first.answered['link'])) ?? []
    const second = await search(next)
    expect(first.found.map((each) => each.query)).toEqual(['revenue=20.02', 'revenue=1.99'])
    expect(second.found.map((each) => each.query)).toEqual(['reversed=true', 'revenue=0.03'])
  })
})
