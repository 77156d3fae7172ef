import type { z } from 'zod'

/** Something wrong with the document: where, and one phrase that says what and what to do. */
export interface Problem {
  /** As in `campaigns[0].routes[1].buyer`. */
  readonly path: string
  readonly message: string
}

/** Writes the place of a value, as in `campaigns[0].routes[1].buyer`. */
export function writePath(keys: readonly PropertyKey[]): string {
  const text = keys.map((key) => {
    if (typeof key === 'number') return `[${key}]`
    return /^[\w-]+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`
  })
  return text.join('').replace(/^\./, '') || 'document'
}

type Issue = z.core.$ZodRawIssue

/** Every problem that the schema has found; their words come from {@link describeIssue}. */
export function problemsOf(error: z.ZodError): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const { path, message } = issue
    if (issue.code !== 'unrecognized_keys') return [{ path: writePath(path), message }]
    return issue.keys.map((key) => ({ path: writePath([...path, key]), message }))
  })
}

/** Says what is wrong where a field has no words of its own. */
export function describeIssue(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return describeType(issue.expected, issue.input)
    case 'invalid_value':
      return describeChoice(issue.input, issue.values)
    case 'invalid_union':
      return describeUnion(issue)
    case 'too_small':
      return issue.origin === 'array'
        ? 'is empty: give it at least one entry'
        : `is too small: write ${issue.minimum} or more`
    case 'too_big':
      return `is too big: write ${issue.maximum} or less`
    case 'invalid_key':
      return issue.issues[0]?.message
    case 'unrecognized_keys':
      return 'is not known: remove it, or correct its name'
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
      return undefined
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of names and values',
  record: 'a map of names and values',
}

function describeType(expected: string, input: unknown): string {
  const noun = NOUNS[expected] ?? expected
  if (input === undefined) return `is missing: write ${noun}`
  if (input === null) return `is empty: write ${noun}, or remove the line`
  const isUnquoted = expected === 'string' && typeof input !== 'object'
  return isUnquoted ? 'is not text: put it in quotes' : `must be ${noun}`
}

function describeChoice(input: unknown, values: readonly unknown[]): string {
  const choices = values.filter((value) => value !== undefined).map(String)
  const choice = choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`
  const otherwise = choices.length < values.length ? ', or leave it out' : ''
  return `is ${input === undefined ? 'missing' : 'not known'}: write ${choice}${otherwise}`
}

/** The entry that tells the kinds of a list's entries apart is missing, or names none of them. */
function describeUnion({ input, discriminator, options }: Issue): string | undefined {
  if (typeof discriminator !== 'string' || !Array.isArray(options)) return undefined
  const given = (input as Readonly<Record<string, unknown>> | undefined)?.[discriminator]
  return describeChoice(given, options)
}
