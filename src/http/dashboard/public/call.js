import { ask } from './api.js'
import { element, section, table } from './element.js'
import { badge, details, duration, money, time } from './show.js'
import { timelineTable } from './timeline.js'

/** One call: the decision in words, its money step by step, its deliveries, and all that happened.
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
    element('p', { class: 'why' }, badge(call.conversion), ' ', why.in_words),
    facts(call),
    section('Ledger', ledger(settlements)),
    section('Tracking URLs', deliveryTable(deliveries)),
    section('What happened', timelineTable(timeline)),
  ]
}

/** @param {any} call */
function facts(call) {
  const shown = {
    Campaign: call.campaign_id,
    Publisher: call.publisher_id,
    Buyer: call.buyer_id ?? '–',
    Caller: call.caller_number ?? 'withheld',
    Dialled: call.dialed_number,
    State: badge(call.state),
    Began: time(call.started_at),
    Answered: time(call.answered_at),
    Ended: time(call.ended_at),
    Connected: duration(call.connected_seconds),
    Revenue: money(call.revenue),
    Payout: money(call.payout),
    'Posted value': call.postback_value ?? '–',
    'Decided by': time(call.settle_at),
  }
  const parts = Object.entries(shown).map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value)),
  )
  return element('dl', {}, ...parts)
}

/** @param {readonly any[]} settlements */
function ledger(settlements) {
  const columns = [
    { head: 'No.', isNumber: true },
    { head: 'Decided' },
    { head: 'Decision' },
    { head: 'Why' },
    { head: 'Arithmetic' },
    { head: 'Revenue', isNumber: true },
    { head: 'Payout', isNumber: true },
  ]
  const rows = settlements.map((entry) => [
    entry.revision,
    time(entry.decided_at),
    badge(entry.conversion),
    entry.reason_in_words,
    element('span', { class: 'mono' }, (entry.steps ?? []).map(stepText).join(' → ')),
    money(entry.revenue),
    money(entry.payout),
  ])
  return table(columns, rows, 'Nothing has been decided yet.')
}

/** @param {unknown} step */
const stepText = (step) => (typeof step === 'string' ? step : details(/** @type {any} */ (step)))

/** @param {readonly any[]} deliveries */
function deliveryTable(deliveries) {
  const columns = [
    { head: 'URL' },
    { head: 'At' },
    { head: 'State' },
    { head: 'Request' },
    { head: 'Attempts', isNumber: true },
    { head: 'Last answer' },
    { head: '' },
  ]
  const rows = deliveries.map((delivery) => [
    delivery.tracking_url_id,
    delivery.trigger,
    badge(delivery.state),
    element('span', { class: 'mono url' }, `${delivery.method} ${delivery.url}`),
    delivery.attempts.length,
    lastAnswer(delivery.attempts.at(-1)),
    delivery.state === 'queued' ? '' : resendButton(delivery.id),
  ])
  return table(columns, rows, 'No tracking URL was due.')
}

/** @param {any} attempt */
const lastAnswer = (attempt) =>
  attempt ? `${attempt.status ?? attempt.error} in ${Math.round(attempt.duration_ms)} ms` : '–'

/** @param {string} id */
function resendButton(id) {
  const button = element('button', { type: 'button' }, 'Send again')
  button.addEventListener('click', () => {
    button.toggleAttribute('disabled', true)
    const path = `/deliveries/${encodeURIComponent(id)}/resend`
    ask(path, {}, { method: 'POST' }).then(
      () => (button.textContent = 'Queued'),
      (error) => (button.textContent = error.message),
    )
  })
  return button
}
