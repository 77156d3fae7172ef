import { ask } from './api.js'
import { callTable } from './calls.js'
import { element, section, table } from './element.js'
import { reportColumns, reportRow } from './reports.js'
import { describeProblem } from './tracking-urls.js'

const DAY_MS = 86_400_000

/** What needs somebody, the last day's figures by campaign, and the latest calls.
 * @param {{ signal: AbortSignal }} place
 */
export async function showOverview({ signal }) {
  const to = new Date()
  const from = new Date(to.getTime() - DAY_MS)
  const [urls, report, calls, ready] = await Promise.all([
    ask('/tracking-urls', {}, { signal }),
    ask('/reports', { by: 'campaign', from: from.toISOString(), to: to.toISOString() }, { signal }),
    ask('/calls', { limit: '10' }, { signal }),
    fetch('/readyz', { signal }).then(
      (response) => response.json(),
      () => ({ away: ['service'] }),
    ),
  ])
  return [
    element('h1', {}, 'Overview'),
    attention(ready.away ?? [], urls.body),
    section(
      'The last 24 hours, by campaign',
      table(reportColumns(['campaign']), report.body.map(reportRow(['campaign'])), 'No calls yet.'),
    ),
    section(
      'Latest calls',
      callTable(calls.body),
      element('p', {}, element('a', { href: '#/calls' }, 'All calls')),
    ),
  ]
}

/**
 * @param {readonly string[]} away
 * @param {readonly any[]} urls
 */
function attention(away, urls) {
  const problems = [
    ...away.map((name) => `The ${name} is away.`),
    ...urls.filter(({ problem }) => problem).map(describeProblem),
  ]
  if (problems.length === 0) return element('p', { class: 'fine' }, 'Nothing needs attention.')
  const items = problems.map((text) => element('li', {}, text))
  return element(
    'div',
    { class: 'attention', role: 'alert' },
    element('h2', {}, 'Needs attention'),
    element('ul', {}, ...items),
  )
}
