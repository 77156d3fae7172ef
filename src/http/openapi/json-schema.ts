import assert from 'node:assert/strict'
import { z } from 'zod'

/** A schema as OpenAPI 3.1 has it: JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Whether a schema is of what arrives or of what is sent. */
export type Direction = 'input' | 'output'

/** Turns schemas into JSON Schema, and keeps those that have an id to be referred to. */
export interface SchemaWriter {
  readonly write: (schema: z.ZodType, direction: Direction) => JsonSchema
  /** What has been referred to so far, by id. */
  readonly components: () => Readonly<Record<string, JsonSchema>>
}

/** @throws AssertionError if two schemas of one id say different things */
export function createSchemaWriter(): SchemaWriter {
  const components = new Map<string, JsonSchema>()
  function keep(id: string, schema: JsonSchema): void {
    const known = components.get(id)
    if (known) assert.deepEqual(schema, known, `two schemas are called ${id}`)
    components.set(id, schema)
  }
  return {
    write(schema, direction) {
      const { $defs = {}, $schema: _, ...rest } = convert(schema, direction)
      for (const [id, definition] of Object.entries($defs)) keep(id, definition as JsonSchema)
      return rest
    },
    components: () => Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function convert(
  schema: z.ZodType,
  direction: Direction,
): JsonSchema & { readonly $defs?: object } {
  const converted = z.toJSONSchema(schema, {
    io: direction,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      if (def.type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
      if (def.type === 'undefined') Object.assign(jsonSchema, { not: {} })
      // A format says it all; the pattern behind it fills a page.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      // Members may be added to answers, so clients must not be told that there are no others.
      if (direction === 'output' && def.type === 'object' && !def.catchall) {
        delete jsonSchema.additionalProperties
      }
    },
  })
  const text = JSON.stringify(converted).replaceAll('"#/$defs/', '"#/components/schemas/')
  return JSON.parse(text) as JsonSchema
}
