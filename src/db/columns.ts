/** A value of a row; objects become JSON. */
type Value = string | number | boolean | Date | object | null | undefined

/**
 * Rows turned into one array a column, each as the text of a PostgreSQL array, for
 * `unnest($1::uuid[], $2::text[], …)`. The database reads these in half the time that it takes over the same
 * rows as JSON.
 */
export function columnsOf<Row extends object>(
  rows: readonly Row[],
  names: readonly (keyof Row)[],
): string[] {
  return names.map((name) => arrayText(rows.map((row) => row[name] as Value)))
}

/** The text of a PostgreSQL array. @see https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(values: readonly Value[]): string {
  let text = ''
  for (const value of values) text += `,${elementText(value)}`
  return `{${text.slice(1)}}`
}

function elementText(value: Value): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object') return String(value)
  return value instanceof Date ? value.toISOString() : quoted(JSON.stringify(value))
}

/** In quotes even where it could do without: an empty text, or one that says null, could not. */
const quoted = (text: string): string =>
  /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `"${text}"`
