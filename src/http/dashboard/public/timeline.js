import { element, table } from './element.js'
import { details, time, words } from './show.js'

/** What is shown of an event that carries more than a reader wants; of the others all is shown. */
/** @type {Readonly<Record<string, readonly string[]>>} */
const SHOWN = {
  'call.settled': ['conversion', 'reason_in_words', 'revenue', 'payout', 'late', 'duplicate'],
  'postback.received': ['method', 'query', 'body', 'source', 'http_status', 'status', 'reason'],
  'delivery.queued': ['tracking_url_id', 'trigger', 'missing_tokens'],
  'delivery.attempted': ['tracking_url_id', 'attempt', 'method', 'status', 'error', 'duration_ms'],
  'delivery.delivered': ['tracking_url_id'],
  'delivery.failed': ['tracking_url_id'],
}

/** All that happened to a call, in order.
 * @param {readonly any[]} timeline
 */
export function timelineTable(timeline) {
  const start = timeline[0] ? new Date(timeline[0].at).getTime() : 0
  const columns = [
    { head: 'After', isNumber: true },
    { head: 'At' },
    { head: 'Event' },
    { head: 'What', isLong: true },
  ]
  const rows = timeline.map(({ at, event, ...rest }) => [
    `${((new Date(at).getTime() - start) / 1000).toFixed(2)} s`,
    time(at),
    element('span', { class: 'line' }, words(event)),
    element('span', { class: 'hint' }, details(pick(rest, SHOWN[event]))),
  ])
  return table('All that happened, in order', columns, rows, 'Nothing has happened yet.')
}

/**
 * @param {Record<string, unknown>} from
 * @param {readonly string[]} [names]
 */
const pick = (from, names) =>
  names
    ? Object.fromEntries(names.map((name) => [name, from[name] === false ? null : from[name]]))
    : from
