import { ask, askForFile } from './api.js'
import { goTo } from './calls.js'
import { choice, element, field, table } from './element.js'
import { duration, money, share } from './show.js'

const DIMENSIONS = ['campaign', 'publisher', 'buyer', 'number', 'day']
const DAYS = 7
const DAY_MS = 86_400_000

/** @param {readonly string[]} by */
export const reportColumns = (by) => [
  ...by.map((name) => ({ head: name.charAt(0).toUpperCase() + name.slice(1) })),
  ...[
    'Calls',
    'Connected',
    'Converted',
    'Of connected',
    'Late',
    'Adjusted',
    'Revenue',
    'Payout',
    'Margin',
  ].map((head) => ({ head, isNumber: true })),
  { head: '' },
  { head: 'Talked', isNumber: true },
]

/** @param {readonly string[]} by */
export const reportRow = (by) => (/** @type {any} */ row) => [
  ...by.map((name) => row[name] ?? '–'),
  row.calls,
  row.connected,
  row.converted,
  share(row.converted, row.connected),
  row.late,
  row.adjusted,
  money(row.revenue),
  money(row.payout),
  money(row.margin),
  row.currency,
  duration(row.connected_seconds),
]

/** @param {Record<string, string>} given */
export async function showReports(given) {
  const query = { ...defaults(), ...given }
  const by = query.by.split(',')
  const { body } = await ask('/reports', query)
  return [
    element('h1', {}, 'Reports'),
    filters(query),
    table(reportColumns(by), body.map(reportRow(by)), 'No calls in this time.'),
    element('p', {}, saveButton(query)),
  ]
}

function defaults() {
  /** @param {number} ms */
  const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10)
  const now = Date.now()
  return {
    by: 'campaign',
    time: 'call',
    from: dayOf(now - (DAYS - 1) * DAY_MS),
    to: dayOf(now + DAY_MS),
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }
}

/** @param {ReturnType<typeof defaults>} query */
function filters(query) {
  const combinations = [
    ...DIMENSIONS,
    ...DIMENSIONS.slice(0, -1).map((name) => `${name},day`),
    'campaign,buyer',
    'campaign,publisher',
  ]
  return element(
    'form',
    { class: 'filters', submit: goTo('reports') },
    field('By', choice('by', combinations, query.by)),
    field('Time of', choice('time', ['call', 'settlement'], query.time)),
    field('From', element('input', { type: 'date', name: 'from', value: query.from })),
    field('To, exclusive', element('input', { type: 'date', name: 'to', value: query.to })),
    field('Time zone', element('input', { name: 'time_zone', value: query.time_zone })),
    element('button', { type: 'submit' }, 'Show'),
  )
}

/** @param {Record<string, string>} query */
function saveButton(query) {
  const save = async () => {
    const url = URL.createObjectURL(await askForFile('/reports', { ...query, format: 'csv' }))
    element('a', { href: url, download: 'report.csv' }).click()
    URL.revokeObjectURL(url)
  }
  return element('button', { type: 'button', click: () => void save() }, 'Save as CSV')
}
