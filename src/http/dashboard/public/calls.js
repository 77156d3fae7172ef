import { ask } from './api.js'
import { dayInput, withInstants } from './calendar.js'
import { choice, element, field, filterForm, hint, pager, table } from './element.js'
import { orWhatIsWrong } from './problem.js'
import { badge, callLink, callsLink, duration, money, time, words } from './show.js'

const COLUMNS = [
  { head: 'Began' },
  { head: 'Call' },
  { head: 'Campaign' },
  { head: 'Caller' },
  { head: 'Buyer' },
  { head: 'Result' },
  { head: 'Connected', isNumber: true },
  { head: 'Revenue', isNumber: true },
  { head: 'Payout', isNumber: true },
]

/**
 * @param {readonly any[]} calls
 * @param {string} nothing the sentence for none
 */
export const callTable = (calls, nothing) =>
  table(
    'Calls, the latest first',
    COLUMNS,
    calls.map((call) => [
      time(call.started_at),
      callLink(call.uuid),
      callsLink('campaign', call.campaign_id),
      callsLink('caller', call.caller_number) ?? 'withheld',
      buyer(call),
      result(call),
      duration(call.connected_seconds),
      money(call.revenue, call.currency),
      money(call.payout, call.currency),
    ]),
    nothing,
  )

/** Who has answered, or how many have not.
 * @param {any} call
 */
function buyer({ buyer_id, state, legs }) {
  if (buyer_id !== null) return callsLink('buyer', buyer_id)
  if (state !== 'ended') return ''
  return legs.length === 0 ? 'none dialled' : `none of ${legs.length} answered`
}

/** How far a call has come; once it is decided, how and why.
 * @param {any} call
 */
const result = ({ state, conversion, reason }) =>
  element(
    'span',
    {},
    badge(conversion === 'undecided' ? state : conversion),
    reason && element('span', { class: 'reason' }, words(reason)),
  )

/** @param {{ query: Record<string, string>, signal: AbortSignal }} place */
export async function showCalls({ query, signal }) {
  const { call, ...asked } = query
  const uuid = parseUuid(call)
  if (uuid !== undefined) {
    location.replace(`#/calls/${uuid}`)
    return []
  }
  const found = await orWhatIsWrong(
    ask('/calls', withInstants(asked, ['created_from', 'created_to']), { signal }),
    ({ body, next }) => [callTable(body, 'No call is like that.'), pager('calls', query, next)],
  )
  return [
    element('h1', {}, 'Calls'),
    filters(query),
    ...(isOfLastMonth(query) ? [hint('Of the last 31 days, unless you say from when.')] : []),
    ...(query['buyer']
      ? [hint('Calls that this buyer has answered; for the others look at Buyers.')]
      : []),
    ...(call
      ? [hint(`“${call}” is not the UUID of a call: it has 32 digits and letters a to f.`)]
      : []),
    ...found,
  ]
}

/** What people paste: with or without dashes, in capitals too.
 * @param {string | undefined} text
 */
export function parseUuid(text) {
  const digits = (text ?? '').replaceAll('-', '').toLowerCase()
  return /^[0-9a-f]{32}$/.test(digits) ? digits : undefined
}

/** As the API has it, which looks through all calls for these.
 * @param {Record<string, string>} query
 */
const isOfLastMonth = ({ publisher, buyer, caller, created_from, created_to }) =>
  Boolean((publisher || buyer) && !caller && !created_from && !created_to)

/** @type {[string, string][]} */
const STATES = [
  ['', 'any'],
  ['ringing', 'rings'],
  ['bridged', 'in progress'],
  ['ended', 'ended'],
]

/** @param {Record<string, string>} query */
function filters(query) {
  /** @param {string} name */
  const text = (name) => element('input', { name, value: query[name] ?? '' })
  return filterForm(
    'calls',
    query,
    field('Call’s UUID', text('call')),
    field('Caller', text('caller')),
    field('Campaign’s id', text('campaign')),
    field('Publisher’s id', text('publisher')),
    field('Buyer’s id', text('buyer')),
    field('State', choice('state', STATES, query['state'] ?? '')),
    field('From', dayInput('created_from', query)),
    field('Before', dayInput('created_to', query)),
  )
}
