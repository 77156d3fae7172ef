import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startCommand, startProgram } from './support/command.ts'

const SCRIPTS = [
  { name: 'conformance', file: 'conformance', does: /both do the same, or differ on purpose/ },
  { name: 'db:schema', file: 'dump-schema', does: /write src\/db\/schema\.sql/ },
  { name: 'fuzz', file: 'fuzz', does: /send an engine damaged packets/ },
  { name: 'model', file: 'model', does: /play random histories of calls/ },
  { name: 'mutants', file: 'mutants', does: /take one behaviour after the other away/ },
  { name: 'scenarios:tables', file: 'scenario-tables', does: /write the tables of sip-scenarios/ },
  { name: 'test', file: 'test', does: /run every test/ },
] as const

const startScript = (file: string, args: readonly string[]) =>
  startProgram(`scripts/${file}.ts`, args, { PATH: '' })

describe.each(SCRIPTS)('npm run $name', ({ name, file, does }) => {
  it('says what it does and exits with 0', async () => {
    const script = startScript(file, ['--help'])
    expect(await script.exited).toBe(0)
    const said = script.output()
    expect(said.startsWith(`Usage: npm run ${name} -- `)).toBe(true)
    expect(said.replaceAll(/\s+/g, ' ')).toMatch(does)
    expect(script.errors()).toBe('')
  })
})

const MISTAKES: readonly {
  readonly file: string
  readonly args: readonly string[]
  readonly says: string
}[] = [
  ...SCRIPTS.filter(({ name }) => name !== 'test').map(({ file }) => ({
    file,
    args: ['--nope'],
    says: "unknown option '--nope'",
  })),
  {
    file: 'conformance',
    args: ['--drachtio'],
    says: "option '--drachtio <host:port>' argument missing",
  },
  {
    file: 'conformance',
    args: ['--drachtio', 'localhost'],
    says: "option '--drachtio <host:port>' argument 'localhost' is invalid. Write an address as 127.0.0.1:5060.",
  },
  {
    file: 'conformance',
    args: ['--timeout-ms', 'soon'],
    says: "option '--timeout-ms <n>' argument 'soon' is invalid. Write a whole number from 1 on.",
  },
  {
    file: 'conformance',
    args: ['all'],
    says: 'too many arguments. Expected 0 arguments but got 1: all.',
  },
  { file: 'fuzz', args: ['--packets'], says: "option '--packets <n>' argument missing" },
  {
    file: 'fuzz',
    args: ['--packets', '1e6'],
    says: "option '--packets <n>' argument '1e6' is invalid. Write a whole number from 1 on.",
  },
  {
    file: 'fuzz',
    args: ['--seed', '-1'],
    says: "option '--seed <n>' argument '-1' is invalid. Write a whole number from 1 on.",
  },
  {
    file: 'model',
    args: ['many'],
    says: "command-argument value 'many' is invalid for argument 'histories'. Write a whole number from 1 on.",
  },
  {
    file: 'model',
    args: ['10', '1', '2'],
    says: 'too many arguments. Expected 2 arguments but got 3: 10, 1, 2.',
  },
  {
    file: 'mutants',
    args: ['--side-by-side', '0'],
    says: "option '--side-by-side <n>' argument '0' is invalid. Write a whole number from 1 to 16.",
  },
  {
    file: 'dump-schema',
    args: ['out.sql'],
    says: 'too many arguments. Expected 0 arguments but got 1: out.sql.',
  },
]

describe('a script whose arguments are not understood', () => {
  it.each(MISTAKES)('says so and exits with 2: $file $args', async ({ file, args, says }) => {
    const script = startScript(file, args)
    expect(await script.exited).toBe(2)
    expect(script.errors()).toBe(`error: ${says}\n(try --help)\n`)
    expect(script.output()).toBe('')
  })

  it.each([
    {
      file: 'mutants',
      args: ['nonsense'],
      says: 'There is no mutant called nonsense: see "npm run mutants -- --list".\n',
    },
    {
      file: 'conformance',
      args: ['--drachtio', '127.0.0.1:1'],
      says: 'No drachtio-server answers at 127.0.0.1:1: start it, or name its admin port with --drachtio.\n',
    },
    {
      file: 'conformance',
      args: ['--only', 'nothing is called so'],
      says: 'No case is called "nothing is called so": leave --only out to see all.\n',
    },
  ])('says what to do and exits with 1: $file $args', async ({ file, args, says }) => {
    const script = startScript(file, args)
    expect(await script.exited).toBe(1)
    expect(script.errors()).toBe(says)
    expect(script.output()).toBe('')
  })
})

describe('bridgeback', () => {
  it('says what to do where its packages are not installed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bridgeback-bare-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await mkdir(join(folder, 'src'))
    for (const part of ['package.json', 'bin', 'src/cli', 'src/domain'])
      await cp(part, join(folder, part), { recursive: true })
    const command = startProgram(join(folder, 'bin/bridgeback.js'), ['demo'])
    expect(await command.exited).toBe(1)
    expect(command.errors()).toBe(
      'The packages that bridgeback needs are not installed: run "npm ci".\n',
    )
  })

  it('ends in silence where whoever reads has read enough', async () => {
    const command = startCommand(['scenarios', '--by-hand'])
    command.stopReading()
    expect(await command.exited).toBe(0)
    expect(command.errors()).toBe('')
  })

  it.each([
    { args: ['--nope'], says: "unknown option '--nope'" },
    { args: ['nope'], says: "unknown command 'nope'" },
    { args: ['demo', '--nope'], says: "unknown option '--nope'" },
    { args: ['bench', '--seconds'], says: "option '--seconds <n>' argument missing" },
    { args: ['verify', '--anchor'], says: "option '--anchor <hash>' argument missing" },
    { args: ['apply'], says: "missing required argument 'file'" },
  ])('exits with 2 where it does not understand: $args', async ({ args, says }) => {
    const command = startCommand(args)
    expect(await command.exited).toBe(2)
    expect(command.errors()).toBe(`error: ${says}\n(try --help)\n`)
    expect(command.output()).toBe('')
  })

  it.each([['--help'], ['--version'], ['verify', '--help']])(
    'exits with 0 where it is asked about itself: %s',
    async (...args) => {
      const command = startCommand(args)
      expect(await command.exited).toBe(0)
      expect(command.errors()).toBe('')
      expect(command.output()).not.toBe('')
    },
  )
})
