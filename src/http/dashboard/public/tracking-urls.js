import { ask } from './api.js'
import { element, table } from './element.js'
import { badge } from './show.js'

const COLUMNS = [
  { head: 'URL' },
  { head: 'Campaign' },
  { head: 'At' },
  { head: 'Request' },
  { head: 'State' },
  { head: '' },
]

/** One sentence about what is wrong with a tracking URL.
 * @param {any} url
 */
export function describeProblem({ id, campaign_id, problem }) {
  const last = problem.status ?? problem.error ?? 'unknown'
  const since = new Date(problem.since).toLocaleString()
  const what =
    problem.kind === 'gone' ? 'answers that it is gone' : `has failed ${problem.failures} times`
  return `Tracking URL “${id}” of campaign “${campaign_id}” ${what} since ${since}; the last answer of ${problem.host} was ${last}.`
}

/** @param {{ signal: AbortSignal }} place */
export async function showTrackingUrls({ signal }) {
  const { body } = await ask('/tracking-urls', {}, { signal })
  const report = element('pre', { class: 'mono', hidden: true })
  const rows = body.map((/** @type {any} */ url) => [
    url.id,
    url.campaign_id,
    url.trigger.replaceAll('_', ' '),
    element('span', { class: 'mono url' }, `${url.method} ${url.url}`),
    url.problem ? element('span', { class: 'problem' }, describeProblem(url)) : badge('ok'),
    testButton(url, report),
  ])
  return [
    element('h1', {}, 'Tracking URLs'),
    element('p', { class: 'hint' }, 'A test makes the request once, for a call that never was.'),
    table(COLUMNS, rows, 'No tracking URL is configured.'),
    report,
  ]
}

/**
 * @param {any} url
 * @param {HTMLElement} report where the request and its answer are shown
 */
function testButton({ id, campaign_id }, report) {
  const test = async () => {
    const shown = await ask(
      `/tracking-urls/${encodeURIComponent(id)}/test`,
      { campaign: campaign_id },
      { method: 'POST' },
    ).then(
      ({ body }) => JSON.stringify(body, undefined, 2),
      (error) => error.message,
    )
    report.textContent = shown
    report.hidden = false
  }
  return element('button', { type: 'button', click: () => void test() }, 'Test')
}
