import { ask } from './api.js'
import { goTo } from './calls.js'
import { choice, element, field, table } from './element.js'
import { details, time } from './show.js'

const COLUMNS = [
  { head: 'When' },
  { head: 'Who' },
  { head: 'From' },
  { head: 'What' },
  { head: 'Of' },
  { head: 'Details' },
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
]

/**
 * What people have done by hand.
 *
 * @param {{ query: Record<string, string>, signal: AbortSignal }} place
 */
export async function showAudit({ query, signal }) {
  const { body, next } = await ask('/audit', query, { signal })
  const rows = body.map((/** @type {any} */ act) => [
    time(act.at),
    act.who.name,
    act.source ? element('span', { class: 'mono' }, act.source) : 'command line',
    act.what.replaceAll(/[._]/g, ' '),
    element('span', { class: 'mono url' }, act.subject ?? ''),
    element('span', { class: 'fine url' }, details(act.details)),
  ])
  return [
    element('h1', {}, 'Record'),
    filters(query),
    table(COLUMNS, rows, 'Nothing.'),
    element(
      'p',
      {},
      next !== undefined && element('a', { href: `#/audit?${next}` }, 'Earlier entries'),
    ),
  ]
}

/** @param {Record<string, string>} query */
function filters(query) {
  /**
   * @param {string} name
   * @param {string} [type]
   */
  const input = (name, type = 'text') => element('input', { name, type, value: query[name] ?? '' })
  return element(
    'form',
    { class: 'filters', submit: goTo('audit') },
    field('Who', input('who')),
    field('What', choice('what', ['', ...ACTS], query['what'] ?? '')),
    field('From', input('created_from', 'date')),
    field('Before', input('created_to', 'date')),
    element('button', { type: 'submit' }, 'Show'),
  )
}
