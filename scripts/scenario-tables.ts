/**
 * Writes the tables of `sip-scenarios/README.md` from the scenarios themselves, so that nobody has to
 * keep them up by hand: `npm run scenarios:tables`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ROWS } from '../sip-scenarios/rows.ts'
import { SCENARIOS } from '../sip-scenarios/scenarios.ts'
import { differenceList, proofTables, scenarioTable } from '../sip-scenarios/table.ts'
import { createProgram, runProgram } from '../src/cli/command-line.ts'

const README = fileURLToPath(new URL('../sip-scenarios/README.md', import.meta.url))

const program = createProgram(
  'npm run scenarios:tables --',
  'write the tables of sip-scenarios/README.md from the scenarios themselves',
).action(writeTables)
await runProgram(program, process.argv)

function writeTables(): void {
  const tables = {
    table: scenarioTable(SCENARIOS),
    differences: differenceList(SCENARIOS),
    proofs: proofTables(ROWS),
  }
  const text = readFileSync(README, 'utf8')
  const written = Object.entries(tables).reduce(
    (all, [name, table]) => withTable(all, name, table),
    text,
  )
  writeFileSync(README, written)
}

/** The document with what stands between the marks of a table replaced. */
function withTable(text: string, name: string, table: string): string {
  const [before = '', after = ''] = text.split(new RegExp(`(?<=<!-- ${name}: [^>]*-->\n)`))
  const end = after.indexOf(`<!-- end of ${name} -->`)
  if (end < 0) throw new Error(`${README} has no place for ${name}`)
  return `${before}${table}\n${after.slice(end)}`
}
