import { ask } from './api.js'
import { element, hint, table } from './element.js'
import { badge, callLink, callsLink, longName, share, time, timeText, words } from './show.js'

/** As many calls as the API gives at once. */
const CALLS_READ = 200
/** So many calls in a row that a buyer has not answered are no chance. */
const SILENT_FROM = 5

const COLUMNS = [
  { head: 'Buyer' },
  { head: 'Name' },
  { head: 'State' },
  { head: 'Dialled', isNumber: true },
  { head: 'Answered', isNumber: true },
  { head: 'Of dialled', isNumber: true },
  { head: 'Last answered' },
  { head: 'Not answered in a row', isNumber: true },
  { head: 'Last call not answered' },
]

/**
 * @typedef {object} Answering how a buyer has answered of late
 * @property {number} dialled
 * @property {number} answered
 * @property {string | undefined} lastAnsweredAt
 * @property {number} inARow calls since then that it has not answered
 * @property {{ uuid: string, why: string } | undefined} lastFailure
 */

/** @type {Answering} */
const NOTHING = {
  dialled: 0,
  answered: 0,
  lastAnsweredAt: undefined,
  inARow: 0,
  lastFailure: undefined,
}

/**
 * How each buyer has answered, out of the legs of calls. A caller who hung up while it rang says nothing about the
 * buyer, and neither does a leg that still rings.
 *
 * @param {readonly any[]} calls the newest first, as the API lists them
 * @returns {Map<string, Answering>}
 */
export function answeringOf(calls) {
  const byBuyer = new Map()
  for (const { uuid, legs } of calls) {
    for (const leg of legs) {
      byBuyer.set(leg.buyer_id, withLeg(byBuyer.get(leg.buyer_id) ?? NOTHING, uuid, leg))
    }
  }
  return byBuyer
}

/**
 * @param {Answering} before what newer legs say
 * @param {string} uuid
 * @param {any} leg
 * @returns {Answering}
 */
function withLeg(before, uuid, leg) {
  const dialled = before.dialled + 1
  if (leg.answered_at) {
    const lastAnsweredAt = before.lastAnsweredAt ?? leg.answered_at
    return { ...before, dialled, answered: before.answered + 1, lastAnsweredAt }
  }
  if (!leg.ended_at || leg.fault === 'caller') return { ...before, dialled }
  return {
    ...before,
    dialled,
    inARow: before.inARow + (before.answered === 0 ? 1 : 0),
    lastFailure: before.lastFailure ?? { uuid, why: outcome(leg) },
  }
}

/** How a buyer's leg has ended, or that it has not.
 * @param {any} leg
 */
export function outcome({ answered_at, ended_at, reason, sip_status }) {
  if (answered_at) return 'answered'
  if (!ended_at) return 'rings'
  const status = sip_status === null || sip_status === undefined ? '' : ` (SIP ${sip_status})`
  return `${words(reason ?? 'no answer')}${status}`
}

/** @param {Answering} answering */
const isSilent = ({ inARow }) => inARow >= SILENT_FROM

/** One sentence for each buyer that has stopped answering.
 * @param {readonly any[]} calls
 */
export const describeSilent = (calls) =>
  [...answeringOf(calls)]
    .filter(([, answering]) => isSilent(answering))
    .map(([id, { inARow, lastFailure }]) => ({
      text: `Buyer “${id}” has answered none of its last ${inARow} calls; the latest: ${lastFailure?.why ?? 'no answer'}.`,
      see: 'buyers',
    }))

/**
 * Which buyers answer, by the latest calls.
 *
 * @param {{ signal: AbortSignal }} place
 */
export async function showBuyers({ signal }) {
  const [buyers, calls] = await Promise.all([
    ask('/buyers', { limit: '200' }, { signal }),
    ask('/calls', { limit: String(CALLS_READ) }, { signal }),
  ])
  const answering = answeringOf(calls.body)
  const shown = buyers.body.map((/** @type {any} */ buyer) =>
    buyerRow(buyer, answering.get(buyer.id) ?? NOTHING),
  )
  return [
    element('h1', {}, 'Buyers'),
    hint(spanOf(calls.body)),
    table('Buyers and how they answer', COLUMNS, shown, 'No buyer is configured.'),
    ...(buyers.next === undefined ? [] : [hint('These are the first 200 by id.')]),
  ]
}

/** @param {readonly any[]} calls */
function spanOf(calls) {
  const first = calls.at(-1)
  if (!first) return 'There has been no call yet.'
  const since = timeText(first.started_at)
  return `How buyers have answered the latest ${calls.length} calls, that is since ${since}.`
}

/**
 * @param {any} buyer
 * @param {Answering} answering
 */
function buyerRow({ id, name, paused }, answering) {
  const { dialled, answered, lastAnsweredAt, inARow, lastFailure } = answering
  return [
    callsLink('buyer', id),
    longName(name),
    badge(stateOf(paused, answering)),
    dialled,
    answered,
    share(answered, dialled),
    time(lastAnsweredAt),
    inARow,
    lastFailure && element('span', {}, lastFailure.why, ' ', callLink(lastFailure.uuid)),
  ]
}

/**
 * @param {boolean} isPaused
 * @param {Answering} answering
 */
function stateOf(isPaused, answering) {
  if (isPaused) return 'paused'
  if (isSilent(answering)) return 'does_not_answer'
  return answering.dialled === 0
    ? 'not_dialled'
    : answering.answered > 0
      ? 'answers'
      : 'no_answer_yet'
}
