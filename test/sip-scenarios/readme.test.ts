import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROWS } from '../../sip-scenarios/rows.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { differenceList, proofTables, scenarioTable } from '../../sip-scenarios/table.ts'

const files = globSync('sip-scenarios/{caller,buyer}/*.xml')

describe('the scenarios', () => {
  it('stand in the README as they are', () => {
    const readme = readFileSync('sip-scenarios/README.md', 'utf8')
    const [, table] = /<!-- table: [^>]*-->\n([\s\S]*)\n<!-- end of table -->/.exec(readme) ?? []
    expect(table).toBe(scenarioTable(SCENARIOS))
    expect(readme).toContain(`-->\n${differenceList(SCENARIOS)}\n<!-- end of differences -->`)
    expect(readme).toContain(`-->\n${proofTables(ROWS)}\n<!-- end of proofs -->`)
  })

  it('have names of their own', () => {
    const names = SCENARIOS.map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('use files that are there', () => {
    const there = new Set(files.map((file) => basename(file, '.xml')))
    const parts = SCENARIOS.flatMap(({ caller, buyers = [] }) => [caller, ...buyers])
    const missing = parts.filter((part) => /^ua[cs]-/.test(part) && !there.has(part))
    expect(missing).toEqual([])
  })

  it('leave no file unused', () => {
    const inTests = globSync('test/end-to-end/*.ts').map((file) => readFileSync(file, 'utf8'))
    const used = JSON.stringify(SCENARIOS) + inTests.join('')
    expect(files.filter((file) => !used.includes(basename(file, '.xml')))).toEqual([])
  })
})

describe('a rule', () => {
  const rows = Object.values(ROWS).flat()

  it('has a name of its own', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  })

  it.each(rows)('$id is proved by scenarios and tests that are there', (row) => {
    const { scenarios = [], tests = [] } = row
    const names = new Set(SCENARIOS.map(({ name }) => name))
    const missing = [
      ...scenarios.filter((name) => !names.has(name)),
      ...tests
        .filter(({ file, name }) => !readFileSync(`test/${file}`, 'utf8').includes(name))
        .map(({ file, name }) => `${file}: ${name}`),
    ]
    expect(missing).toEqual([])
    expect(scenarios.length + tests.length).toBeGreaterThan(0)
  })
})

describe('a scenario file', () => {
  it.each(files)('%s opens with what it proves', (file) => {
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^<\?xml version="1\.0" encoding="UTF-8" \?>\n<!-- [A-Z][\s\S]+?\. -->\n/)
  })

  it.each(files)('%s is named after what it does', (file) => {
    expect(file).toMatch(/\/(caller\/uac-[a-z0-9-]+-expect-\d{3}|buyer\/uas-[a-z0-9-]+)\.xml$/)
  })
})
