import type { JsonSchema } from './json-schema.ts'

/** Text as it may stand in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** The same with what stands between backticks as code. */
export const prose = (text: string): string =>
  escapeHtml(text).replaceAll(/`([^`]*)`/g, '<code>$1</code>')

/** Where a component is told. */
export const anchorOf = (id: string): string => `schema-${id}`

/** A schema as HTML: its type in words, with the members of an object below it. */
export const renderSchema = (schema: JsonSchema): string =>
  `${renderType(schema)}${membersOf(schema) ?? ''}`

/** What a value looks like, on one line. */
function renderType(schema: JsonSchema): string {
  const { $ref, type, items, enum: words, const: only, not } = schema
  if (typeof $ref === 'string') return link($ref)
  if (Array.isArray(words)) return words.map(literal).join(' | ')
  if (only !== undefined) return literal(only)
  const several = schema.anyOf ?? schema.oneOf
  if (isSchemas(several)) return [...new Set(several.map(renderType))].join(' | ')
  if (isSchemas(schema.allOf)) return schema.allOf.map(renderType).filter(Boolean).join(' with ')
  if (not !== undefined) return 'absent'
  if (type === 'array') return isSchema(items) ? `list of ${renderType(items)}` : 'list'
  return `${typeText(schema)}${limitsOf(schema)}`
}

/** As in `string, date-time`, `string | null` or `object of string`. */
function typeText({ type, format, properties, additionalProperties: more }: JsonSchema): string {
  const types = (Array.isArray(type) ? type : [type]).filter((word) => typeof word === 'string')
  if (types.length === 0) return properties ? '' : 'anything'
  const named = types.join(' | ')
  const values = isSchema(more) && !properties && more.type ? ` of ${renderType(more)}` : ''
  return typeof format === 'string' ? `${named}, ${format}` : `${named}${values}`
}

const literal = (value: unknown): string => `<code>${escapeHtml(JSON.stringify(value))}</code>`

function link(reference: string): string {
  const id = reference.split('/').at(-1) ?? ''
  return `<a href="#${anchorOf(id)}">${escapeHtml(id)}</a>`
}

const LIMITS = {
  minimum: 'at least',
  maximum: 'at most',
  minLength: 'characters at least',
  maxLength: 'characters at most',
  maxItems: 'items at most',
} as const

function limitsOf(schema: JsonSchema): string {
  const limits = Object.entries(LIMITS).flatMap(([name, words]) => {
    const value = schema[name]
    const isSaid = typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER
    return isSaid ? [`${words} ${value}`] : []
  })
  const pattern = schema['pattern']
  const matched = typeof pattern === 'string' ? [`<code>${escapeHtml(pattern)}</code>`] : []
  return [...limits, ...matched].map((limit) => `, ${limit}`).join('')
}

/** The members of the object that a value is, or that a list is made of, or that it may be. */
function membersOf(schema: JsonSchema): string | undefined {
  const { properties, items, required } = schema
  if (isSchema(items)) return membersOf(items)
  const several = schema.anyOf ?? schema.oneOf
  if (isSchemas(several)) {
    const lists = several.map(membersOf).filter((list) => list !== undefined)
    return lists.length > 0 ? lists.join('or') : undefined
  }
  if (!isSchema(properties)) return undefined
  const needed: readonly unknown[] = Array.isArray(required) ? required : []
  const rows = Object.entries(properties).map(([name, value]) =>
    isSchema(value) ? renderMember(name, value, needed.includes(name)) : '',
  )
  return `<ul class="members">${rows.join('')}</ul>`
}

function renderMember(name: string, schema: JsonSchema, isRequired: boolean): string {
  const { description, default: usual } = schema
  const said = [
    isRequired ? '' : '<span class="fine">may be absent</span>',
    usual === undefined ? '' : `<span class="fine">unless said</span> ${literal(usual)}`,
    typeof description === 'string' ? prose(description) : '',
  ].filter((text) => text !== '')
  const notes = said.length > 0 ? ` – ${said.join('; ')}` : ''
  return `<li><code>${escapeHtml(name)}</code> ${renderType(schema)}${notes}${membersOf(schema) ?? ''}</li>`
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSchemas = (value: unknown): value is readonly JsonSchema[] =>
  Array.isArray(value) && value.every(isSchema)
