import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Setting, SETTINGS } from '../src/config.ts'
import { KEY_ROLES } from '../src/domain/api-key.ts'
import { ACTS } from '../src/domain/audit.ts'
import { parseConfigurationDocument } from '../src/domain/configuration-document.ts'
import { CONFIGURATION_SCHEMA } from '../src/domain/configuration-schema.ts'
import { CALL_TOKENS } from '../src/domain/tokens.ts'
import { TRIGGERS } from '../src/domain/tracking-url.ts'
import { bestAnswer, classifyLegFailure } from '../src/sip/failure.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

/** The cells of every table row of a document, without its marks for code. */
const rowsOf = (text: string): readonly (readonly string[])[] =>
  [...text.matchAll(/^\| (.+) \|$/gm)].map(([, cells = '']) => cells.split(' | '))

const unquoted = (text: string): string => text.replaceAll('`', '')

describe('docs/operating.md', () => {
  const text = read('docs/operating.md')

  it('lists every setting as the program knows it', () => {
    const expected = SETTINGS.map((setting: Setting) => {
      const usual = setting.default === undefined ? setting.unset : `\`${setting.default}\``
      return [`\`${setting.name}\``, usual, setting.meaning]
    })
    const start = text.indexOf('<!-- settings')
    const table = text.slice(start, text.indexOf('\n\n', start))
    expect(rowsOf(table).slice(1)).toEqual(expected)
  })

  it('shows a configuration that is taken as it stands', () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? []
    expect(parseConfigurationDocument(parse(example))).toMatchObject({ kind: 'configuration' })
  })
})

describe('docs/configuration.md', () => {
  const words = new Set(
    [...read('docs/configuration.md').matchAll(/^## (\w+)|`([a-z_]+)(?:: \w+)?`/gm)].map(
      ([, heading, word]) => heading ?? word,
    ),
  )

  it('explains every key that the document may have', () => {
    const schema = z.toJSONSchema(CONFIGURATION_SCHEMA, { unrepresentable: 'any' })
    const missing = keysOf(schema).filter((key) => !words.has(key))
    expect(missing).toEqual([])
  })

  it('names every token and every trigger', () => {
    expect([...CALL_TOKENS, ...TRIGGERS].filter((word) => !words.has(word))).toEqual([])
  })
})

describe('docs/buyers.md', () => {
  const text = read('docs/buyers.md')
  const tableAfter = (heading: string) => {
    const start = text.indexOf(heading)
    return rowsOf(text.slice(start, text.indexOf('\n\n', text.indexOf('|---', start)))).slice(1)
  }

  it('explains every reason that an answer of set_value can give, and no other (B16)', () => {
    const explained = tableAfter('### Reasons').map(([reason = '']) => unquoted(reason))
    expect(explained.toSorted()).toEqual(reasonsInTheProgram())
  })

  it('explains every status (B16)', () => {
    const explained = tableAfter('### What is answered').map(([, status = '']) => unquoted(status))
    const known = [...wordsOfType('PostbackStatus'), 'unavailable', 'refused']
    expect(new Set(explained)).toEqual(new Set(known))
  })
})

describe('docs/access.md', () => {
  const rows = rowsOf(read('docs/access.md'))
  const explained = rows.map(([word = '']) => unquoted(word))

  it('explains every role of a key, from the least to the most', () => {
    expect(explained.filter((word) => KEY_ROLES.some((role) => role === word))).toEqual(KEY_ROLES)
  })

  it('explains every act that is put on record', () => {
    expect(explained.filter((word) => word.includes('.')).toSorted()).toEqual(ACTS.toSorted())
  })
})

describe('docs/sip.md', () => {
  const rows = rowsOf(read('docs/sip.md'))
  const documented = rows
    .filter(([, , next]) => next === 'yes' || next === 'no')
    .flatMap(([statuses = '', reason = '', next, answer]) =>
      statuses.split(', ').map((status) => ({
        status: Number(status),
        reason: unquoted(reason),
        isNextTried: next === 'yes',
        answer: Number(answer),
      })),
    )

  it('says of each response what the program makes of it', () => {
    const decided = documented.map(({ status }) => {
      const { reason, isNextTried, answer } = classifyLegFailure(status)
      return { status, reason, isNextTried, answer }
    })
    expect(documented).toEqual(decided)
  })

  it('leaves out only what its class decides', () => {
    const listed = new Set(documented.map(({ status }) => status))
    const special = Array.from({ length: 400 }, (_, index) => 300 + index)
      .filter((status) => !listed.has(status))
      .filter((status) => !classifyLegFailure(status).reason.endsWith(`_${status}`))
    expect(special).toEqual([])
    expect([302, 499, 599, 699].map((status) => classifyLegFailure(status).answer)).toEqual([
      480, 480, 500, 480,
    ])
  })

  it('tells the order in which failures are preferred', () => {
    const order = [486, 480, 488, 404, 500]
    const best = order.map((_, index) => bestAnswer(order.slice(index).toReversed()))
    expect(best).toEqual(order)
  })
})

/** The names of all properties, however deep. */
function keysOf(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties } = schema as { readonly properties?: object }
  const names = properties ? Object.keys(properties) : []
  return [...new Set([...names, ...Object.values(schema).flatMap(keysOf)])]
}

/** The words of a union of words, and of the unions that it is made of. */
function wordsOfType(name: string): readonly string[] {
  const declaration = new RegExp(
    `type ${name} =((?:\\s*\\|?\\s*(?:'\\w+'|\\w+))(?:\\s*\\|\\s*(?:'\\w+'|\\w+))*)`,
  )
  const found = globSync(['src/domain/*.ts', 'src/http/*.ts'])
    .map((path) => declaration.exec(read(path))?.[1])
    .find((words) => words !== undefined)
  expect(found, `type ${name}`).toBeDefined()
  return (found ?? '').split('|').flatMap((part) => {
    const word = part.trim()
    if (word === '') return []
    return word.startsWith("'") ? [word.slice(1, -1)] : wordsOfType(word)
  })
}

/** Reasons stand in closed unions, and in what is decided about a request before it is understood. */
function reasonsInTheProgram(): readonly string[] {
  const unions = ['PostbackReason', 'MalformedReason', 'BodyRefusal'].flatMap(wordsOfType)
  const flow = [...read('src/flow/receive-postback.ts').matchAll(/reason: '(\w+)'/g)]
  const http = [...read('src/http/postbacks.ts').matchAll(/refusal\(\d+, '(\w+)'/g)]
  const written = [...flow, ...http].map(([, word = '']) => word)
  return [...new Set([...unions, ...written])].toSorted()
}
