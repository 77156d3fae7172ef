import { ask } from './api.js'
import { lastAnswer } from './call.js'
import { element, hint, section, table } from './element.js'
import { resendButton } from './resend.js'
import { badge, callLink, callsLink, longName, time, timeText, words } from './show.js'

const COLUMNS = [
  { head: 'URL' },
  { head: 'Campaign' },
  { head: 'When' },
  { head: 'Request', isLong: true },
  { head: 'State' },
  { head: '' },
]
const FAILED = [
  { head: 'Given up' },
  { head: 'Call' },
  { head: 'Campaign' },
  { head: 'URL' },
  { head: 'Host' },
  { head: 'Attempts', isNumber: true },
  { head: 'Last answer' },
  { head: '' },
]

/** One sentence about what is wrong with a tracking URL.
 * @param {any} url
 */
export const describeProblem = ({ id, campaign_id, problem }) =>
  `Tracking URL “${id}” of campaign “${campaign_id}” ${whatIsWrong(problem)}`

/** @param {any} problem */
function whatIsWrong({ kind, failures, since, host, status, error }) {
  const last = status ? `HTTP ${status}` : words(error ?? 'not known')
  const what = kind === 'gone' ? 'answers that it is gone' : `has failed ${failures} times in a row`
  return `${what} since ${timeText(since)}; the last answer of ${host}: ${last}.`
}

/** What is requested and whether it arrives, and what was given up.
 * @param {{ query: Record<string, string>, signal: AbortSignal }} place
 */
export async function showTrackingUrls({ query, signal }) {
  const [urls, failed] = await Promise.all([
    ask('/tracking-urls', {}, { signal }),
    ask('/deliveries', { ...query, state: 'failed' }, { signal }),
  ])
  const report = element('div', { role: 'status' })
  const rows = urls.body
    .toSorted(
      (/** @type {any} */ a, /** @type {any} */ b) => Number(!a.problem) - Number(!b.problem),
    )
    .map((/** @type {any} */ url) => urlRow(url, report))
  return [
    element('h1', {}, 'Tracking URLs'),
    hint(
      'A test makes the request once, for a call that never was. Those that do not arrive come first.',
    ),
    report,
    table('Tracking URLs', COLUMNS, rows, 'No tracking URL is configured.'),
    section(
      'Requests that were given up',
      table('Requests that were given up', FAILED, failed.body.map(failedRow), 'None.'),
      element(
        'p',
        { class: 'pager' },
        failed.next !== undefined &&
          element('a', { href: `#/tracking-urls?${failed.next}` }, 'More'),
        query['before'] !== undefined &&
          element('a', { href: '#/tracking-urls' }, 'From the start'),
      ),
    ),
  ]
}

/**
 * @param {any} url
 * @param {HTMLElement} report where a test's request and answer are shown
 */
const urlRow = (url, report) => [
  longName(url.id),
  callsLink('campaign', url.campaign_id),
  words(url.trigger),
  element('span', { class: 'mono url' }, `${url.method} ${url.url}`),
  url.problem
    ? element('span', {}, badge(url.problem.kind), ' ', whatIsWrong(url.problem))
    : badge('ok'),
  testButton(url, report),
]

/** @param {any} delivery */
const failedRow = (delivery) => [
  time(delivery.finished_at),
  callLink(delivery.call_uuid),
  callsLink('campaign', delivery.campaign_id),
  longName(delivery.tracking_url_id),
  longName(delivery.host),
  delivery.attempts.length,
  lastAnswer(delivery.attempts.at(-1)),
  resendButton(delivery),
]

/**
 * @param {any} url
 * @param {HTMLElement} report
 */
function testButton({ id, campaign_id }, report) {
  const test = async () => {
    report.replaceChildren(element('p', {}, `Testing “${id}” of “${campaign_id}”…`))
    report.scrollIntoView({ block: 'nearest' })
    const path = `/tracking-urls/${encodeURIComponent(id)}/test`
    const shown = await ask(path, { campaign: campaign_id }, { method: 'POST' }).then(
      ({ body }) => testReport(id, body),
      (error) => [element('p', { class: 'problem' }, `“${id}” was not tested: ${error.message}`)],
    )
    report.replaceChildren(...shown)
    report.scrollIntoView({ block: 'nearest' })
  }
  const label = `Test “${id}” of “${campaign_id}”`
  return element(
    'button',
    { type: 'button', 'aria-label': label, click: () => void test() },
    'Test',
  )
}

/**
 * @param {string} id
 * @param {any} body
 */
function testReport(id, body) {
  const { outcome, reason, duration_ms } = body
  const isGood = outcome === 'delivered'
  const why = reason ? `: ${words(reason)}` : ''
  return [
    element(
      'p',
      { class: isGood ? 'good' : 'problem' },
      `The test of “${id}” ${isGood ? 'has arrived' : 'has not arrived'}${why}, after ${duration_ms} ms.`,
    ),
    ...(body.exchanges.length === 0 ? [] : [exchanges(body)]),
  ]
}

/** What went over the wire.
 * @param {any} body
 */
const exchanges = ({ exchanges }) =>
  element('pre', { class: 'mono', tabindex: '0' }, JSON.stringify(exchanges, undefined, 2))
