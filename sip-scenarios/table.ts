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

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const link = (folder: string, script: string): string => `[${script}](${folder}/${script}.xml)`

const buyerCell = (part: string): string =>
  part.startsWith('uas-') ? link('buyer', part) : part.replace('-', ' ')
