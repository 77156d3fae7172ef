import { describe, expect, it } from 'vitest'
import { answerWith, type FakeElement, load, openFakePage } from './support/fake-page.ts'

type Show = (place: object) => Promise<readonly FakeElement[]>

openFakePage()
const { signal } = new AbortController()
const { showCalls, parseUuid } = (await load('calls.js')) as {
  readonly showCalls: Show
  readonly parseUuid: (text: string | undefined) => string | undefined
}
const { showCall } = (await load('call.js')) as { readonly showCall: Show }
const { showAudit } = (await load('audit.js')) as { readonly showAudit: Show }
const { showOverview } = (await load('overview.js')) as { readonly showOverview: Show }
const { showTrackingUrls } = (await load('tracking-urls.js')) as {
  readonly showTrackingUrls: Show
}
const { usualRanges } = (await load('reports.js')) as {
  readonly usualRanges: (now: Date) => readonly (readonly string[])[]
}

const UUID = '01958a3c-1f2e-7c4d-8a5b-0123456789ab'
const AT = '2026-03-01T12:00:00.000Z'
const LEG = {
  leg: 1,
  buyer_id: 'roof',
  dialled_at: AT,
  ringing_at: null,
  answered_at: null,
  ended_at: '2026-03-01T12:00:04.000Z',
  sip_status: 408,
  fault: 'unknown',
  reason: 'no_response',
}
const CALL = {
  uuid: UUID,
  state: 'ended',
  conversion: 'converted',
  reason: 'posted_revenue',
  campaign_id: 'solar',
  publisher_id: 'acme-media',
  buyer_id: 'solar-direct',
  caller_number: '+12125550100',
  dialed_number: '+18005550100',
  started_at: AT,
  connected_seconds: 90,
  currency: 'JPY',
  revenue: '1500',
  payout: '1200',
  legs: [LEG],
  left_out: [
    { reason: 'paused', reason_in_words: 'The buyer is paused.', buyer_ids: ['x'], count: 1 },
  ],
}
const FAILED = {
  id: `${UUID.replaceAll('-', '')}_sale_1`,
  call_uuid: UUID,
  campaign_id: 'solar',
  tracking_url_id: 'sale',
  host: 'tracker.example',
  finished_at: AT,
  state: 'failed',
  attempts: [{ status: null, error: 'connection_refused', duration_ms: 12 }],
}

const textOf = (parts: readonly FakeElement[]) =>
  parts.map(({ textContent }) => textContent).join(' ')
const hrefsOf = (parts: readonly FakeElement[]) =>
  parts.flatMap((part) => part.querySelectorAll('a').map((link) => link.getAttribute('href')))

describe('the page of calls', () => {
  it.each([
    [UUID, UUID.replaceAll('-', '')],
    [UUID.toUpperCase().replaceAll('-', ''), UUID.replaceAll('-', '')],
    ['01958a3c', undefined],
    [`${UUID}0`, undefined],
    [undefined, undefined],
  ])('finds the UUID in %j', (text, uuid) => {
    expect(parseUuid(text)).toBe(uuid)
  })

  it('shows amounts as the API has them, with their currency', async () => {
    answerWith({ '/calls': { body: [CALL] } })
    const text = textOf(await showCalls({ query: {}, signal }))
    expect(text).toContain('1500 JPY')
    expect(text).toContain('1200 JPY')
    expect(text).toContain('1 min 30 s')
  })

  it.each([
    ['roof', 'ended', [LEG], 'roof'],
    [null, 'ended', [LEG, LEG], 'none of 2 answered'],
    [null, 'ended', [], 'none dialled'],
    [null, 'ringing', [LEG], '–'],
  ])(
    'says of the buyer %j of a call that is %s who has answered',
    async (id, state, legs, said) => {
      answerWith({ '/calls': { body: [{ ...CALL, buyer_id: id, state, legs }] } })
      const page = await showCalls({ query: {}, signal })
      const cells = page.flatMap((part) => part.querySelectorAll('td'))
      const buyer = cells.find((cell) => cell.getAttribute('data-head') === 'Buyer')
      expect(buyer?.textContent).toBe(said)
    },
  )

  it('keeps its form where the question was wrong', async () => {
    answerWith({ '/calls': { status: 400, body: { detail: 'caller must be a number' } } })
    const page = await showCalls({ query: { caller: 'x' }, signal })
    expect(page.some(({ tag }) => tag === 'form')).toBe(true)
    expect(textOf(page)).toContain('caller must be a number')
  })

  it('leads back from a later page, and out of filters', async () => {
    answerWith({ '/calls': { body: [CALL] } })
    const page = await showCalls({ query: { buyer: 'roof', before: UUID }, signal })
    expect(textOf(page)).toContain('Calls that this buyer has answered')
    expect(hrefsOf(page)).toContain('#/calls?buyer=roof')
    expect(hrefsOf(page)).toContain('#/calls')
  })
})

describe('the page of a call', () => {
  it('says of each buyer what came of it, who can mend that, and who was not dialled', async () => {
    answerWith({
      [`/calls/${UUID}`]: { body: CALL },
      [`/calls/${UUID}/why`]: { body: { in_words: 'converted: a revenue was posted' } },
      [`/calls/${UUID}/timeline`]: { body: [] },
      '/settlements': { body: [] },
      '/deliveries': {
        body: [{ ...FAILED, trigger: 'converted', method: 'GET', url: 'http://x' }],
      },
    })
    const text = textOf(await showCall({ id: UUID, signal }))
    expect(text).toContain('no response (SIP 408)')
    expect(text).toContain('The buyer is paused.')
    expect(text).toContain('connection refused after 12 ms')
    expect(text).toContain('converted a revenue was posted')
  })
})

describe('the record', () => {
  it('asks for days as the reader has them', async () => {
    const asked = answerWith({ '/audit': { body: [] } })
    await showAudit({ query: { created_from: '2026-03-01' }, signal })
    const from = encodeURIComponent(new Date(2026, 2, 1).toISOString())
    expect(asked).toEqual([`/api/v1/audit?created_from=${from}`])
  })

  it('shows each change of the configuration on its own, and the call of a delivery', async () => {
    const act = { at: AT, who: { name: 'Ines' }, source: '198.51.100.7' }
    const details = { changes: ['buyer roof: paused', 'campaign solar: version 2'] }
    answerWith({
      '/audit': {
        body: [
          { ...act, what: 'configuration.applied', subject: '2', details },
          { ...act, what: 'delivery.resent', subject: FAILED.id, details: {} },
        ],
      },
    })
    const page = await showAudit({ query: {}, signal })
    const lines = page.flatMap((part) => part.querySelectorAll('li'))
    expect(lines.map(({ textContent }) => textContent)).toEqual(details.changes)
    expect(hrefsOf(page)).toContain(`#/calls/${UUID.replaceAll('-', '')}`)
  })
})

describe('the overview', () => {
  it('says which buyer is silent and which URL fails, each with where to look', async () => {
    const problem = {
      kind: 'failing',
      failures: 21,
      since: AT,
      host: 'tracker.example',
      status: 503,
    }
    answerWith({
      '/tracking-urls': { body: [{ id: 'sale', campaign_id: 'solar', problem }] },
      '/reports': { body: [] },
      '/calls': { body: [CALL, CALL, CALL, CALL, CALL] },
      '/readyz': { body: { status: 'ready' } },
    })
    const page = await showOverview({ signal })
    expect(textOf(page)).toContain('Buyer “roof” has answered none of its last 5 calls')
    expect(textOf(page)).toContain('has failed 21 times in a row')
    expect(hrefsOf(page).slice(0, 2)).toEqual(['#/tracking-urls', '#/buyers'])
  })

  it('asks for the money of the day that the reader has', async () => {
    const asked = answerWith({
      '/tracking-urls': { body: [] },
      '/reports': { body: [] },
      '/calls': { body: [] },
      '/readyz': { body: { away: ['sip'] } },
    })
    const page = await showOverview({ signal })
    const report = asked.find((url) => url.startsWith('/api/v1/reports'))
    const [, today, tomorrow] = usualRanges(new Date())[0] ?? []
    expect(report).toContain(`from=${today}&to=${tomorrow}&time_zone=`)
    expect(textOf(page)).toContain('SIP is away: no call can come in.')
  })
})

it('the page of tracking URLs puts first what does not arrive, and names the calls', async () => {
  const problem = { kind: 'gone', failures: 1, since: AT, host: 'tracker.example', status: 410 }
  const url = { campaign_id: 'solar', trigger: 'converted', method: 'GET', url: 'http://x' }
  answerWith({
    '/tracking-urls': {
      body: [
        { id: 'ping', problem: null, ...url },
        { id: 'sale', problem, ...url },
      ],
    },
    '/deliveries': { body: [FAILED] },
  })
  const page = await showTrackingUrls({ query: {}, signal })
  const buttons = page.flatMap((part) => part.querySelectorAll('button'))
  expect(buttons.map((button) => button.getAttribute('aria-label'))).toEqual([
    'Test “sale” of “solar”',
    'Test “ping” of “solar”',
    'Send “sale” again',
  ])
  expect(hrefsOf(page)).toContain(`#/calls/${UUID}`)
})

it('the page of reports offers the days that are asked for most', () => {
  expect(usualRanges(new Date(2026, 2, 1, 3))).toEqual([
    ['Today', '2026-03-01', '2026-03-02'],
    ['Yesterday', '2026-02-28', '2026-03-01'],
    ['Last 7 days', '2026-02-23', '2026-03-02'],
    ['This month', '2026-03-01', '2026-03-02'],
  ])
})
