/**
 * House rules that a linter does not know. Each failure names the file and what to do instead.
 * Relies on the formatter: a function ends at the first closing brace of its own indentation.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** What each part may import, besides itself. The order is the way the data flows. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  'sip/engine': [],
  db: ['domain'],
  telemetry: ['domain'],
  flow: ['domain', 'db', 'telemetry'],
  delivery: ['domain', 'db', 'telemetry'],
  sip: ['domain', 'flow', 'telemetry', 'settings'],
  http: ['domain', 'db', 'flow', 'telemetry'],
  /** What a process is told at its start: small files at the top that every edge may read. */
  settings: ['domain'],
  bridge: [
    'domain',
    'sip/engine',
    'db',
    'telemetry',
    'flow',
    'delivery',
    'sip',
    'http',
    'settings',
  ],
  main: ['bridge', 'settings'],
}

const TOP: Readonly<Record<string, string>> = {
  'src/main.ts': 'main',
  'src/bridge.ts': 'bridge',
  'src/bridge-metrics.ts': 'bridge',
  'src/embedded-engine.ts': 'bridge',
  'src/config.ts': 'settings',
  'src/config-parsers.ts': 'settings',
  'src/keys.ts': 'settings',
  'src/secrets.ts': 'settings',
}

/** `bin/bridgeback.js` starts the command line, npm's `dev` script the process; receivers import their kit. */
const ENTRY_POINTS = new Set(['src/main.ts', 'src/cli/main.ts', 'src/receiver-kit.ts'])

/** Libraries without I/O, clock or chance of their own. */
const PURE_LIBRARIES = new Set(['zod', 'libphonenumber-js', 'libphonenumber-js/max', 'yaml'])

interface Source {
  readonly path: string
  readonly text: string
}

const read = (pattern: string | readonly string[]): readonly Source[] =>
  globSync(pattern)
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))

const sources = read('src/**/*.ts')
const programs = read(['scripts/**/*.ts', 'sip-scenarios/**/*.ts', 'bin/*.js'])
const tests = read('test/**/*.ts')

describe('imports', () => {
  it('go only the way the data flows', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source).flatMap((target) => {
        const isOurs = target.startsWith('.') && !target.endsWith('.json')
        return (isOurs && wrongDirection(source.path, target)) || []
      }),
    )
    expect(wrong).toEqual([])
  })

  it('of a package are of one that is installed with the product', () => {
    const declared = new Set(Object.keys(readPackage().dependencies))
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
        .filter((target) => !declared.has(packageOf(target)))
        .map((target) => `${source.path}: add ${packageOf(target)} to the dependencies`),
    )
    expect(wrong).toEqual([])
  })

  it('leave no file of the product unused', () => {
    const used = new Set(
      [...sources, ...programs].flatMap(({ path, text }) =>
        [...text.matchAll(/'(\.[^']+\.ts)'/g)].map(([, target = '']) =>
          normalize(join(dirname(path), target)),
        ),
      ),
    )
    const unused = sources
      .map(({ path }) => path)
      .filter((path) => !used.has(path) && !ENTRY_POINTS.has(path))
    expect(unused).toEqual([])
  })
})

describe('parts', () => {
  it('keep the domain free of I/O, clock and chance', () => {
    const impure =
      /\b(?:process\.|Date\.now|new Date\(\)|Math\.random|performance\.|fetch\(|setTimeout\(|await )/
    const wrong = sources
      .filter(({ path }) => path.startsWith('src/domain/'))
      .flatMap((source) => [
        ...(impure.test(withoutComments(source.text))
          ? [`${source.path}: take the time, chance or data as an argument`]
          : []),
        ...importsOf(source)
          .filter((target) => !target.startsWith('.') && !PURE_LIBRARIES.has(target))
          .map((target) => `${source.path}: the domain must not import ${target}`),
      ])
    expect(wrong).toEqual([])
  })

  it('leave the embedded engine with nothing but Node', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('src/sip/engine/'))
      .flatMap((source) =>
        importsOf(source)
          .filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
          .map((target) => `${source.path}: the engine must not import ${target}`),
      )
    expect(wrong).toEqual([])
  })

  it('are not re-exported wholesale and have no drawer for leftovers', () => {
    const wrong = sources.flatMap(({ path, text }) => [
      ...(/^export \*/m.test(text) ? [`${path}: name what you export`] : []),
      ...(/\/(?:utils?|helpers?|misc|common)(?:\/|\.ts$)/.test(path)
        ? [`${path}: name the file after what it holds`]
        : []),
    ])
    expect(wrong).toEqual([])
  })
})

describe('names', () => {
  it('say which call id they mean', () => {
    const wrong = sources
      .filter(({ text }) => /\bcallId\b/.test(text))
      .map(({ path }) => `${path}: write callUuid or sipCallId`)
    expect(wrong).toEqual([])
  })

  it('leave no work for later', () => {
    const wrong = [...sources, ...programs, ...tests]
      .filter(({ text }) => /\b(?:TOD[O]|FIXM[E]|XX[X])\b/.test(text))
      .map(({ path }) => `${path}: do it now or write an issue`)
    expect(wrong).toEqual([])
  })

  it('skip no test and single none out', () => {
    const wrong = tests
      .filter(({ text }) => /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo)/.test(text))
      .map(({ path }) => `${path}: every test runs, everywhere`)
    expect(wrong).toEqual([])
  })
})

describe('sizes', () => {
  it('keep a function within 70 lines', () => {
    const wrong = [...sources, ...programs, ...tests].flatMap(({ path, text }) =>
      functionsOf(text)
        .filter(({ lines }) => lines > 70)
        .map(({ line, lines }) => `${path}:${line}: ${lines} lines, split where a name appears`),
    )
    expect(wrong).toEqual([])
  })

  it('keep a file within 400 lines', () => {
    const wrong = [...sources, ...programs, ...tests]
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400)
      .map(({ path, lines }) => `${path}: ${lines} lines, split where a name appears`)
    expect(wrong).toEqual([])
  })
})

describe('documents', () => {
  const documents = read(['*.md', 'docs/**/*.md', 'sip-scenarios/*.md', 'src/**/*.md'])

  it('link only to what is there', () => {
    const wrong = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#\s]+)(#[^)\s]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(join(dirname(path), target)))
        .map((target) => `${path}: ${target} does not exist`),
    )
    expect(wrong).toEqual([])
  })

  it('name only scripts of the package', () => {
    const { scripts } = readPackage()
    const wrong = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm run ([\w:-]+)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !(name in scripts))
        .map((name) => `${path}: there is no script ${name}`),
    )
    expect(wrong).toEqual([])
  })
})

interface Package {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

function readPackage(): Package {
  return JSON.parse(readFileSync('package.json', 'utf8')) as Package
}

const IMPORT = /^import (?:[^'"`()=]+ from )?'([^']+)'/gm
const EXPORT_FROM = /^export (?:type )?(?:\*|\{[^}]*\})[^'"`=]* from '([^']+)'/gm
const LAZY_IMPORT = /\bimport\('([^']+)'\)/g

function importsOf({ text }: Source): readonly string[] {
  return [IMPORT, EXPORT_FROM, LAZY_IMPORT].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, target = '']) => target),
  )
}

/** `@scope/name/path` and `name/path` without the path. */
const packageOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')

function partOf(path: string): string | undefined {
  const folder = Object.keys(MAY_IMPORT)
    .sort((a, b) => b.length - a.length)
    .find((part) => path.startsWith(`src/${part}/`))
  return TOP[path] ?? folder
}

function wrongDirection(path: string, target: string): string | undefined {
  if (path.startsWith('src/cli/')) return undefined
  const part = partOf(path)
  if (part === undefined) return `${path}: put it into a part, or name it here`
  const targetPart = partOf(normalize(join(dirname(path), target)))
  const isAllowed =
    targetPart === part || (targetPart !== undefined && MAY_IMPORT[part]?.includes(targetPart))
  return isAllowed ? undefined : `${path}: ${part} must not import ${target}`
}

const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')

const FUNCTION_START =
  /^(\s*)(?:.*\bfunction\b.*[({]|.*=> [{(]|(?:(?:async|static|get|set) )*#?\w+\(.*\)(?:: .+)? \{)$/
const NOT_A_FUNCTION = /^\s*(?:if|for|while|switch|catch|(?:describe|it)(?:\.\w+)*)\b/

/** Every function that spans lines, with the line it begins on. A test is a table, not one of them. */
function functionsOf(text: string): readonly { readonly line: number; readonly lines: number }[] {
  const lines = text.split('\n')
  return lines.flatMap((start, index) => {
    const indent = FUNCTION_START.exec(start)?.[1]
    if (indent === undefined || NOT_A_FUNCTION.test(start)) return []
    const end = lines.findIndex(
      (line, at) => at > index && line.startsWith(`${indent}}`) && !line.endsWith('{'),
    )
    return end === -1 ? [] : [{ line: index + 1, lines: end - index + 1 }]
  })
}
