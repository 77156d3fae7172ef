import { ask } from './api.js'
import { dayInput, withInstants } from './calendar.js'
import { element, field, filterForm, hint, pager, table } from './element.js'
import { orWhatIsWrong } from './problem.js'
import { callLink, callsLink, time } from './show.js'

const COLUMNS = [
  { head: 'Received' },
  { head: 'Call' },
  { head: 'Buyer' },
  { head: 'Request', isLong: true },
  { head: 'HTTP status', isNumber: true },
  { head: 'What it did' },
  { head: 'From' },
]

/** Every postback whose call exists, refused ones too.
 * @param {{ query: Record<string, string>, signal: AbortSignal }} place
 */
export async function showPostbacks({ query, signal }) {
  const found = await orWhatIsWrong(
    ask('/postback-log', withInstants(query, ['from', 'to']), { signal }),
    ({ body, next }) => [
      table(
        'Postbacks, the latest first',
        COLUMNS,
        body.map(postbackRow),
        'No postback is like that. Those that name no call are counted in /metrics and not kept.',
      ),
      pager('postbacks', query, next),
    ],
  )
  return [
    element('h1', {}, 'Postbacks'),
    filters(query),
    ...(query['from'] ? [] : [hint('Of the last 7 days, unless you say from when.')]),
    ...found,
  ]
}

/** @param {any} postback */
const postbackRow = (postback) => [
  time(postback.received_at),
  callLink(postback.call_uuid),
  callsLink('buyer', postback.buyer_id),
  element(
    'span',
    { class: 'mono url' },
    `${postback.method} ${postback.query ?? ''} ${postback.body ?? ''}`,
  ),
  postback.http_status,
  postback.in_words,
  element('span', { class: 'mono' }, postback.source),
]

/** @param {Record<string, string>} query */
function filters(query) {
  /** @param {string} name */
  const text = (name) => element('input', { name, value: query[name] ?? '' })
  return filterForm(
    'postbacks',
    query,
    field('Campaign’s id', text('campaign')),
    field('Buyer’s id', text('buyer')),
    field('Status', text('status')),
    field('Reason', text('reason')),
    field('Text in it', text('text')),
    field('From', dayInput('from', query)),
    field('Before', dayInput('to', query)),
  )
}
