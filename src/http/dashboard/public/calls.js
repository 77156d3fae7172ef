import { ask } from './api.js'
import { dayInput, withInstants } from './calendar.js'
import { choice, element, field, hint, table } from './element.js'
import { badge, callLink, duration, money, time } from './show.js'

const COLUMNS = [
  { head: 'Began' },
  { head: 'Call' },
  { head: 'Campaign' },
  { head: 'Caller' },
  { head: 'Buyer' },
  { head: 'State' },
  { head: 'Conversion' },
  { head: 'Reason' },
  { head: 'Connected', isNumber: true },
  { head: 'Revenue', isNumber: true },
  { head: 'Payout', isNumber: true },
]

/** @param {readonly any[]} calls */
export const callTable = (calls) =>
  table(
    COLUMNS,
    calls.map((call) => [
      time(call.started_at),
      callLink(call.uuid),
      call.campaign_id,
      call.caller_number ?? 'withheld',
      call.buyer_id,
      badge(call.state),
      badge(call.conversion),
      call.reason?.replaceAll('_', ' '),
      duration(call.connected_seconds),
      money(call.revenue),
      money(call.payout),
    ]),
    'No calls.',
  )

/** @param {{ query: Record<string, string>, signal: AbortSignal }} place */
export async function showCalls({ query, signal }) {
  const { body, next } = await ask('/calls', withInstants(query, ['created_from', 'created_to']), {
    signal,
  })
  return [
    element('h1', {}, 'Calls'),
    filters(query),
    ...(isOfLastMonth(query) ? [hint('Of the last 31 days, unless you say from when.')] : []),
    callTable(body),
    element(
      'p',
      {},
      next !== undefined && element('a', { href: `#/calls?${next}` }, 'Earlier calls'),
    ),
  ]
}

/** As the API has it, which looks through all calls for these.
 * @param {Record<string, string>} query
 */
const isOfLastMonth = ({ publisher, buyer, caller, created_from, created_to }) =>
  Boolean((publisher || buyer) && !caller && !created_from && !created_to)

/** @param {Record<string, string>} query */
function filters(query) {
  /** @param {string} name */
  const text = (name) => element('input', { name, value: query[name] ?? '' })
  return element(
    'form',
    { class: 'filters', submit: goTo('calls') },
    field('Campaign', text('campaign')),
    field('Publisher', text('publisher')),
    field('Buyer', text('buyer')),
    field('Caller', text('caller')),
    field('State', choice('state', ['', 'ringing', 'bridged', 'ended'], query['state'] ?? '')),
    field('From', dayInput('created_from', query)),
    field('To, exclusive', dayInput('created_to', query)),
    element('button', { type: 'submit' }, 'Show'),
  )
}

/** Puts what a form holds into the place, where it can be linked to.
 * @param {string} name
 */
export const goTo = (name) => (/** @type {Event} */ event) => {
  event.preventDefault()
  const data = new FormData(/** @type {HTMLFormElement} */ (event.target))
  const given = [...data]
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [name, String(value)])
  location.hash = `#/${name}?${new URLSearchParams(given)}`
}
