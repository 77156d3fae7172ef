import { ask, askForFile } from './api.js'
import { dayOf } from './calendar.js'
import { goTo } from './calls.js'
import { choice, element, field, table } from './element.js'
import { duration, money, share } from './show.js'

const DIMENSIONS = ['campaign', 'publisher', 'buyer', 'number', 'day']
const DAYS = 7

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

/** @param {{ query: Record<string, string>, signal: AbortSignal }} place */
export async function showReports({ query: given, signal }) {
  const query = { ...defaults(), ...given }
  const by = query.by.split(',')
  const { body } = await ask('/reports', query, { signal })
  return [
    element('h1', {}, 'Reports'),
    filters(query),
    table(reportColumns(by), body.map(reportRow(by)), 'No calls in this time.'),
    saveButton(query),
  ]
}

/** The last days, today's included, as the reader's calendar has them. */
function defaults() {
  /** @param {number} days from today */
  const day = (days) => {
    const date = new Date()
    date.setDate(date.getDate() + days)
    return dayOf(date)
  }
  return {
    by: 'campaign',
    time: 'call',
    from: day(1 - DAYS),
    to: day(1),
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
  const problem = element('span', { class: 'problem', role: 'alert' })
  const save = async () => {
    problem.textContent = ''
    const url = URL.createObjectURL(await askForFile('/reports', { ...query, format: 'csv' }))
    element('a', { href: url, download: 'report.csv' }).click()
    URL.revokeObjectURL(url)
  }
  const say = (/** @type {Error} */ { message }) => {
    problem.textContent = message
  }
  const click = () => void save().catch(say)
  return element('p', {}, element('button', { type: 'button', click }, 'Save as CSV'), ' ', problem)
}
