import { ask } from './api.js'
import { describeSilent } from './buyers.js'
import { callTable } from './calls.js'
import { dayFrom, zoneName } from './calendar.js'
import { element, section, table } from './element.js'
import { reportColumns, reportRow, reportsLink } from './reports.js'
import { describeProblem } from './tracking-urls.js'

/** What is looked through for buyers that have stopped answering. */
const CALLS_READ = '100'
const CALLS_SHOWN = 10
const AWAY = new Map([
  ['database', 'The database is away: no call can be taken and nothing be stored.'],
  ['sip', 'SIP is away: no call can come in.'],
  ['service', 'The service does not say whether it is ready.'],
])

/** What needs somebody, today's figures by campaign, and the latest calls.
 * @param {{ signal: AbortSignal }} place
 */
export async function showOverview({ signal }) {
  const now = new Date()
  const today = { from: dayFrom(now, 0), to: dayFrom(now, 1), time_zone: zoneName() }
  const [urls, report, calls, ready] = await Promise.all([
    ask('/tracking-urls', {}, { signal }),
    ask('/reports', { by: 'campaign', ...today }, { signal }),
    ask('/calls', { limit: CALLS_READ }, { signal }),
    fetch('/readyz', { signal }).then(
      (response) => response.json(),
      () => ({ away: ['service'] }),
    ),
  ])
  return [
    element('h1', {}, 'Overview'),
    attention([
      ...(ready.away ?? []).map((/** @type {string} */ name) => ({
        text: AWAY.get(name) ?? `The ${name} is away.`,
      })),
      ...urls.body
        .filter((/** @type {any} */ { problem }) => problem)
        .map((/** @type {any} */ url) => ({ text: describeProblem(url), see: 'tracking-urls' })),
      ...describeSilent(calls.body),
    ]),
    section(
      'Today, by campaign',
      table(
        'Today’s calls and money by campaign',
        reportColumns(['campaign']),
        report.body.map(reportRow(['campaign'])),
        'No calls today.',
      ),
      element('p', {}, reportsLink('Other days and reports', {})),
    ),
    section(
      'Latest calls',
      callTable(
        calls.body.slice(0, CALLS_SHOWN),
        urls.body.length === 0 ? NO_CAMPAIGN : 'No calls.',
      ),
      element('p', {}, element('a', { href: '#/calls' }, 'All calls')),
    ),
  ]
}

const NO_CAMPAIGN =
  'No calls. They come once publishers, buyers and campaigns are applied, as docs/operating.md says.'

/** @type {Readonly<Record<string, string>>} */
const SEE = { 'tracking-urls': 'See tracking URLs', buyers: 'See buyers' }

/** @param {readonly { text: string, see?: string }[]} problems */
function attention(problems) {
  if (problems.length === 0) return element('p', { class: 'fine' }, 'Nothing needs attention.')
  const items = problems.map(({ text, see }) =>
    element('li', {}, text, ' ', see !== undefined && element('a', { href: `#/${see}` }, SEE[see])),
  )
  return element(
    'div',
    { class: 'attention', role: 'alert' },
    element('h2', {}, 'Needs attention'),
    element('ul', {}, ...items),
  )
}
