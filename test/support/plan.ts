import type { Queryable } from '../../src/db/queryable.ts'

/**
 * How `work` would read the database: the plans of its statements, line by line. They are answered with no
 * rows, and none is carried out unless `options` asks to `analyze`.
 */
export async function planOf(
  db: Queryable,
  work: (db: Queryable) => Promise<unknown>,
  options = 'costs off',
): Promise<string> {
  const lines: string[] = []
  await work({
    async query(statement, values) {
      const { text, values: bound } =
        typeof statement === 'string' ? { text: statement, values } : statement
      const sql = `explain (${options}) ${text}`
      const { rows } = await db.query<{ 'QUERY PLAN': string }>(sql, bound)
      lines.push(...rows.map((row) => row['QUERY PLAN']))
      return { rows: [], rowCount: 0 }
    },
  })
  return lines.join('\n')
}
