import type { Scenario } from './scenario.ts'

/** The table of the README: what each scenario proves, who calls and who is called. */
export function scenarioTable(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ name, proves, caller, buyers = [] }) =>
    row(`\`${name}\``, proves, link('caller', caller), buyers.map(buyerCell).join(', ')),
  )
  return [row('scenario', 'proves', 'caller', 'buyers'), '|---|---|---|---|', ...rows].join('\n')
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const link = (folder: string, script: string): string => `[${script}](${folder}/${script}.xml)`

const buyerCell = (part: string): string =>
  part.startsWith('uas-') ? link('buyer', part) : part.replace('-', ' ')
