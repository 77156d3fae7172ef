import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ROWS } from '../../sip-scenarios/rows.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { MUTANTS } from './mutants.ts'

const rows = Object.values(ROWS).flat()

describe('a mutant', () => {
  it.each(MUTANTS)('$name changes one place of the source as it is now', ({ file, find }) => {
    expect(readFileSync(`src/${file}`, 'utf8').split(find)).toHaveLength(2)
  })

  it.each(MUTANTS)('$name breaks a rule that has a proof', ({ row, proof }) => {
    expect(rows.map(({ id }) => id)).toContain(row)
    if ('scenario' in proof) expect(SCENARIOS.map(({ name }) => name)).toContain(proof.scenario)
    else expect(textOf(proof.test.file)).toContain(proof.test.name)
  })

  it('has a name of its own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })
})

describe('the mutants', () => {
  it('break every outcome, every behaviour, and what happens before and during a call', () => {
    const broken = new Set(MUTANTS.map(({ row }) => row))
    const whole = rows.filter(({ id }) => !id.startsWith('bad-')).map(({ id }) => id)
    expect(whole.filter((id) => !broken.has(id))).toEqual([])
  })
})

/** The tests of a file, and the cases that the conformance suite makes tests of. */
function textOf(file: string): string {
  const cases = file.startsWith('conformance/') ? ['conformance/cases/incoming.ts'] : []
  return [file, ...cases].map((each) => readFileSync(`test/${each}`, 'utf8')).join('\n')
}
