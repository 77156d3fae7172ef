import { ask, askForFile } from './api.js'
import { dayFrom, dayOf, zoneName } from './calendar.js'
import { choice, element, field, filterForm, hint, table } from './element.js'
import { orWhatIsWrong, problem } from './problem.js'
import { callsLink, duration, money, share } from './show.js'

const DIMENSIONS = ['campaign', 'publisher', 'buyer', 'number', 'day']
const DAYS = 7

/** @param {readonly string[]} by */
export const reportColumns = (by) => [
  ...by.map((name) => ({ head: name.charAt(0).toUpperCase() + name.slice(1) })),
  ...[
    'Calls',
    'Connected',
    'Converted',
    'Converted of connected',
    'Late',
    'Adjusted',
    'Revenue',
    'Payout',
    'Margin',
  ].map((head) => ({ head, isNumber: true })),
  { head: 'Currency' },
  { head: 'Talked', isNumber: true },
]

/** @param {readonly string[]} by */
export const reportRow = (by) => (/** @type {any} */ row) => [
  ...by.map((name) => dimension(name, row[name])),
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
  element('span', { class: 'wraps' }, duration(row.connected_seconds)),
]

/**
 * @param {string} name
 * @param {string | null} value
 */
function dimension(name, value) {
  if (value === null) return name === 'buyer' ? 'no buyer answered' : '–'
  const isFilter = name === 'campaign' || name === 'publisher' || name === 'buyer'
  return isFilter ? callsLink(name, value) : value
}

/** @param {{ query: Record<string, string>, signal: AbortSignal }} place */
export async function showReports({ query: given, signal }) {
  const query = { ...defaults(new Date()), ...given }
  const by = query.by.split(',')
  const found = await orWhatIsWrong(ask('/reports', query, { signal }), ({ body }) => [
    table('Calls and money', reportColumns(by), body.map(reportRow(by)), 'No calls in this time.'),
    saveButton(query),
  ])
  return [
    element('h1', {}, 'Reports'),
    filters(query, given),
    hint('Late: converted after the postback timeout. Adjusted: the amounts were changed later.'),
    ...found,
  ]
}

/**
 * A link to reports.
 *
 * @param {string} text
 * @param {Record<string, string>} query what is not as usual
 */
export function reportsLink(text, query) {
  const search = new URLSearchParams(query).toString()
  return element('a', { href: `#/reports${search && '?'}${search}` }, text)
}

/** The last days, today's included, as the reader's calendar has them.
 * @param {Date} now
 */
function defaults(now) {
  return {
    by: 'campaign',
    time: 'call',
    from: dayFrom(now, 1 - DAYS),
    to: dayFrom(now, 1),
    time_zone: zoneName(),
  }
}

/** The ranges that are asked for most, each with its name.
 * @param {Date} now
 * @returns {readonly (readonly [name: string, from: string, to: string])[]}
 */
export const usualRanges = (now) => [
  ['Today', dayFrom(now, 0), dayFrom(now, 1)],
  ['Yesterday', dayFrom(now, -1), dayFrom(now, 0)],
  [`Last ${DAYS} days`, dayFrom(now, 1 - DAYS), dayFrom(now, 1)],
  ['This month', dayOf(new Date(now.getFullYear(), now.getMonth(), 1)), dayFrom(now, 1)],
]

/** @type {[string, string][]} */
const TIMES = [
  ['call', 'the call'],
  ['settlement', 'the decision'],
]

/**
 * @param {ReturnType<typeof defaults>} query
 * @param {Record<string, string>} given by the reader
 */
function filters(query, given) {
  const combinations = [
    ...DIMENSIONS,
    ...DIMENSIONS.slice(0, -1).map((name) => `${name},day`),
    'campaign,buyer',
    'campaign,publisher',
  ].map((names) => /** @type {[string, string]} */ ([names, names.replace(',', ' and ')]))
  const { by, time, time_zone } = query
  const ranges = usualRanges(new Date()).map(([name, from, to]) =>
    reportsLink(name, { by, time, from, to, time_zone }),
  )
  return element(
    'div',
    {},
    element('p', { class: 'pager' }, ...ranges),
    filterForm(
      'reports',
      given,
      field('By', choice('by', combinations, by)),
      field('Time of', choice('time', TIMES, time)),
      field('From', element('input', { type: 'date', name: 'from', value: query.from })),
      field('Before', element('input', { type: 'date', name: 'to', value: query.to })),
      field('Days of time zone', element('input', { name: 'time_zone', value: time_zone })),
    ),
  )
}

/** @param {Record<string, string>} query */
function saveButton(query) {
  const said = element('span', { role: 'status' })
  const save = async () => {
    said.replaceChildren('Saving…')
    const url = URL.createObjectURL(await askForFile('/reports', { ...query, format: 'csv' }))
    element('a', { href: url, download: 'report.csv' }).click()
    URL.revokeObjectURL(url)
    said.replaceChildren()
  }
  const say = (/** @type {Error} */ { message }) => {
    said.replaceChildren(problem(message))
  }
  const click = () => void save().catch(say)
  return element(
    'div',
    { class: 'next' },
    element('button', { type: 'button', click }, 'Save as CSV'),
    ' ',
    said,
  )
}
