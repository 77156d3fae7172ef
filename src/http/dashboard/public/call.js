import { ask } from './api.js'
import { outcome } from './buyers.js'
import { element, section, table } from './element.js'
import { resendButton } from './resend.js'
import { badge, callsLink, duration, longName, money, time, words } from './show.js'
import { timelineTable } from './timeline.js'

/** One call: the decision in words, its money step by step, the buyers, its deliveries, and all that happened.
 * @param {{ id: string, signal: AbortSignal }} place
 */
export async function showCall({ id: uuid, signal }) {
  const [
    { body: call },
    { body: why },
    { body: timeline },
    { body: settlements },
    { body: deliveries },
  ] = await Promise.all([
    ask(`/calls/${uuid}`, {}, { signal }),
    ask(`/calls/${uuid}/why`, {}, { signal }),
    ask(`/calls/${uuid}/timeline`, {}, { signal }),
    ask('/settlements', { call: uuid }, { signal }),
    ask('/deliveries', { call: uuid }, { signal }),
  ])
  return [
    element('h1', {}, 'Call ', element('span', { class: 'mono' }, call.uuid)),
    element('p', { class: 'why' }, badge(call.conversion), ' ', withoutState(why.in_words)),
    facts(call),
    section('Decisions', ledger(settlements, call.currency)),
    section('Buyers', legTable(call.legs), ...leftOut(call.left_out)),
    section('Tracking URLs', deliveryTable(deliveries)),
    section('What happened', timelineTable(timeline)),
  ]
}

/** The badge says what stands before the colon.
 * @param {string} sentence
 */
const withoutState = (sentence) => sentence.replace(/^[^:]*: */, '')

/** @param {any} call */
function facts(call) {
  const shown = {
    Campaign: callsLink('campaign', call.campaign_id),
    Publisher: callsLink('publisher', call.publisher_id),
    Buyer: callsLink('buyer', call.buyer_id) ?? '–',
    Caller: callsLink('caller', call.caller_number) ?? 'withheld',
    Dialled: call.dialed_number,
    State: badge(call.state),
    Began: time(call.started_at),
    Answered: time(call.answered_at),
    Ended: time(call.ended_at),
    Connected: duration(call.connected_seconds),
    Revenue: money(call.revenue, call.currency),
    Payout: money(call.payout, call.currency),
    'Posted value': call.postback_value ?? '–',
    'Waits for postbacks until': time(call.settle_at),
  }
  const parts = Object.entries(shown).map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value)),
  )
  return element('dl', {}, ...parts)
}

const DECISIONS = [
  { head: 'No.', isNumber: true },
  { head: 'Decided' },
  { head: 'Decision' },
  { head: 'Why' },
  { head: 'Arithmetic', isLong: true },
  { head: 'Revenue', isNumber: true },
  { head: 'Payout', isNumber: true },
]

/**
 * @param {readonly any[]} settlements
 * @param {string} currency
 */
function ledger(settlements, currency) {
  const rows = settlements.map((entry) => [
    entry.revision,
    time(entry.decided_at),
    badge(entry.conversion),
    entry.reason_in_words,
    entry.steps.length > 0 && element('span', { class: 'mono' }, entry.steps.join(' → ')),
    money(entry.revenue, currency),
    money(entry.payout, currency),
  ])
  return table('Entries of the ledger', DECISIONS, rows, 'Nothing has been decided yet.')
}

const LEGS = [
  { head: 'No.', isNumber: true },
  { head: 'Buyer' },
  { head: 'Dialled' },
  { head: 'Rang after', isNumber: true },
  { head: 'Answered after', isNumber: true },
  { head: 'Outcome' },
  { head: 'Who can mend it' },
]
/** @type {Readonly<Record<string, string>>} */
const FAULTS = {
  caller: 'the caller',
  buyer: 'the buyer',
  bridge: 'this bridge',
  unknown: 'not known',
}

/** @param {readonly any[]} legs */
function legTable(legs) {
  const rows = legs.map((leg) => [
    leg.leg,
    callsLink('buyer', leg.buyer_id),
    time(leg.dialled_at),
    after(leg.dialled_at, leg.ringing_at),
    after(leg.dialled_at, leg.answered_at),
    outcome(leg),
    FAULTS[leg.fault] ?? '–',
  ])
  return table('Buyers that were dialled', LEGS, rows, 'No buyer was dialled.')
}

/**
 * @param {string} from
 * @param {string | null} to
 */
const after = (from, to) =>
  to ? `${((new Date(to).getTime() - new Date(from).getTime()) / 1000).toFixed(2)} s` : '–'

/** @param {readonly any[]} groups */
function leftOut(groups) {
  if (groups.length === 0) return []
  const columns = [
    { head: 'Not dialled', isLong: true },
    { head: 'How many', isNumber: true },
    { head: 'Why' },
  ]
  const rows = groups.map(({ buyer_ids, count, reason_in_words }) => [
    `${buyer_ids.join(', ')}${count > buyer_ids.length ? ', …' : ''}`,
    count,
    reason_in_words,
  ])
  return [element('div', { class: 'next' }, table('Buyers that were left out', columns, rows, ''))]
}

const DELIVERIES = [
  { head: 'URL' },
  { head: 'When' },
  { head: 'State' },
  { head: 'Request', isLong: true },
  { head: 'Attempts', isNumber: true },
  { head: 'Last answer' },
  { head: '' },
]

/** @param {readonly any[]} deliveries */
function deliveryTable(deliveries) {
  const rows = deliveries.map((delivery) => [
    longName(delivery.tracking_url_id),
    words(delivery.trigger),
    badge(delivery.state),
    element('span', { class: 'mono url' }, `${delivery.method} ${delivery.url}`),
    delivery.attempts.length,
    lastAnswer(delivery.attempts.at(-1)),
    delivery.state === 'queued' ? '' : resendButton(delivery),
  ])
  return table('Requests to tracking URLs', DELIVERIES, rows, 'No tracking URL was due.')
}

/** What came back from an attempt to request a tracking URL.
 * @param {any} attempt
 */
export const lastAnswer = (attempt) =>
  attempt ? `${answerText(attempt)} after ${Math.round(attempt.duration_ms)} ms` : 'none yet'

/** @param {any} attempt */
const answerText = ({ status, error }) => (status ? `HTTP ${status}` : words(error ?? 'no answer'))
