import type { Row } from './rows/row.ts'
import type { Scenario } from './scenario.ts'

/** The table of the README: what each scenario proves, who calls and who is called. */
export function scenarioTable(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ name, proves, caller, buyers = [] }) =>
    row(`\`${name}\``, proves, link('caller', caller), buyers.map(buyerCell).join(', ')),
  )
  return [row('scenario', 'proves', 'caller', 'buyers'), '|---|---|---|---|', ...rows].join('\n')
}

/** Where a drachtio-server does otherwise, as a list. */
export function differenceList(scenarios: readonly Scenario[]): string {
  return scenarios
    .flatMap(({ name, differs }) => (differs === undefined ? [] : [`- \`${name}\`: ${differs}`]))
    .join('\n')
}

/** A table for each part of the rules: what has to be so, and what proves it. */
export function proofTables(rows: Readonly<Record<string, readonly Row[]>>): string {
  return Object.entries(rows)
    .map(([heading, part]) => {
      const lines = part.map((each) => row(each.rule, proofsOf(each).join(', ')))
      return [`### ${heading}`, '', row('rule', 'proved by'), '|---|---|', ...lines].join('\n')
    })
    .join('\n\n')
}

const proofsOf = ({ scenarios = [], tests = [] }: Row): readonly string[] => [
  ...scenarios.map((name) => `\`${name}\``),
  ...[...new Set(tests.map(({ file }) => file))].map((file) => `[${file}](../test/${file})`),
]

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const link = (folder: string, script: string): string => `[${script}](${folder}/${script}.xml)`

const buyerCell = (part: string): string =>
  part.startsWith('uas-') ? link('buyer', part) : part.replace('-', ' ')
