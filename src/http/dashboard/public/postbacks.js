import { ask } from './api.js'
import { dayInput, withInstants } from './calendar.js'
import { goTo } from './calls.js'
import { element, field, hint, table } from './element.js'
import { callLink, time } from './show.js'

const COLUMNS = [
  { head: 'Received' },
  { head: 'Call' },
  { head: 'Buyer' },
  { head: 'Request' },
  { head: 'Answered', isNumber: true },
  { head: 'Said' },
  { head: 'From' },
]

/** Every postback whose call exists, refused ones too.
 * @param {{ query: Record<string, string>, signal: AbortSignal }} place
 */
export async function showPostbacks({ query, signal }) {
  const { body, next } = await ask('/postback-log', withInstants(query, ['from', 'to']), { signal })
  const rows = body.map((/** @type {any} */ postback) => [
    time(postback.received_at),
    callLink(postback.call_uuid),
    postback.buyer_id,
    element(
      'span',
      { class: 'mono url' },
      `${postback.method} ${postback.query ?? ''} ${postback.body ?? ''}`,
    ),
    postback.http_status,
    postback.in_words,
    element('span', { class: 'mono' }, postback.source),
  ])
  return [
    element('h1', {}, 'Postbacks'),
    filters(query),
    ...(query['from'] ? [] : [hint('Of the last 7 days, unless you say from when.')]),
    table(COLUMNS, rows, 'No postbacks.'),
    element(
      'p',
      {},
      next !== undefined && element('a', { href: `#/postbacks?${next}` }, 'Earlier postbacks'),
    ),
  ]
}

/** @param {Record<string, string>} query */
function filters(query) {
  /** @param {string} name */
  const text = (name) => element('input', { name, value: query[name] ?? '' })
  return element(
    'form',
    { class: 'filters', submit: goTo('postbacks') },
    field('Campaign', text('campaign')),
    field('Buyer', text('buyer')),
    field('Status', text('status')),
    field('Reason', text('reason')),
    field('Text in it', text('text')),
    field('From', dayInput('from', query)),
    field('To, exclusive', dayInput('to', query)),
    element('button', { type: 'submit' }, 'Show'),
  )
}
