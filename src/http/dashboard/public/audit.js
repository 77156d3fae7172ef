import { ask } from './api.js'
import { dayFrom, dayInput, withInstants } from './calendar.js'
import { choice, element, field, filterForm, hint, pager, table } from './element.js'
import { orWhatIsWrong } from './problem.js'
import { details, longName, time, words } from './show.js'

const COLUMNS = [
  { head: 'When' },
  { head: 'Who' },
  { head: 'What' },
  { head: 'To what' },
  { head: 'Details', isLong: true },
  { head: 'From' },
]
/** What can be on record, as the API names it. */
export const ACTS = [
  'configuration.applied',
  'configuration.read',
  'api_key.created',
  'api_key.revoked',
  'delivery.resent',
  'deliveries.resent',
  'tracking_url.tested',
  'calls.replayed',
  'month.dropped',
]

/**
 * What people have done by hand.
 *
 * @param {{ query: Record<string, string>, signal: AbortSignal }} place
 */
export async function showAudit({ query, signal }) {
  const found = await orWhatIsWrong(
    ask('/audit', withInstants(query, ['created_from', 'created_to']), { signal }),
    ({ body, next }) => [
      table('What was done, the latest first', COLUMNS, body.map(actRow), 'Nothing was done.'),
      pager('audit', query, next),
    ],
  )
  return [
    element('h1', {}, 'Changes'),
    hint('The record of what people have done by hand, and who. It cannot be changed.'),
    element(
      'p',
      { class: 'pager' },
      element('a', { href: `#/audit?created_from=${dayFrom(new Date(), -1)}` }, 'Since yesterday'),
    ),
    filters(query),
    ...found,
  ]
}

/** @param {any} act */
const actRow = (act) => [
  time(act.at),
  longName(act.who.name),
  words(act.what),
  subject(act.subject),
  detailsOf(act.details),
  act.source ? element('span', { class: 'mono' }, act.source) : 'command line',
]

/** What it was done to; a delivery is named after its call.
 * @param {string | null} subject
 */
function subject(subject) {
  const uuid = /^([0-9a-f]{32})_/.exec(subject ?? '')?.[1]
  const text = element('span', { class: 'mono url' }, subject ?? '–')
  return uuid === undefined ? text : element('a', { href: `#/calls/${uuid}` }, text)
}

/** Changes of the configuration stand below each other.
 * @param {Record<string, unknown>} given
 */
function detailsOf({ changes, ...rest }) {
  const lines = Array.isArray(changes) ? changes.map((line) => element('li', {}, String(line))) : []
  return element(
    'div',
    { class: 'url' },
    details(rest) || (lines.length === 0 && '–'),
    lines.length > 0 && element('ul', { class: 'lines' }, ...lines),
  )
}

/** @param {Record<string, string>} query */
function filters(query) {
  const acts = ['', ...ACTS].map(
    (act) => /** @type {[string, string]} */ ([act, words(act) || 'any']),
  )
  return filterForm(
    'audit',
    query,
    field('Who', element('input', { name: 'who', value: query['who'] ?? '' })),
    field('What', choice('what', acts, query['what'] ?? '')),
    field('From', dayInput('created_from', query)),
    field('Before', dayInput('created_to', query)),
  )
}
