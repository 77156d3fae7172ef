import { expect, it } from 'vitest'
import { columnsOf } from '../../src/db/columns.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase({ max: 1 })

it('gives the database back what went in, whatever stands in a text', async () => {
  const at = new Date('2026-03-01T12:00:00.123Z')
  const rows = [
    { text: 'plain', number: 1, flag: true, at, json: ['a "b"', 'c\\d'] },
    { text: '', number: -2.5, flag: false, at: null, json: { a: null } },
    { text: 'NULL', number: 0, flag: null, at: undefined, json: [] },
    { text: `{"a",\\ 'b'\n}`, number: null, flag: true, at, json: ['{}'] },
    { text: null, number: 7, flag: true, at, json: ['ä €'] },
  ]
  const answer = await database.query(
    `select * from unnest($1::text[], $2::float8[], $3::boolean[], $4::timestamptz[], $5::jsonb[])
            as new (text, number, flag, at, json)`,
    columnsOf(rows, ['text', 'number', 'flag', 'at', 'json']),
  )
  expect(answer.rows).toEqual(rows.map((row) => ({ ...row, at: row.at ?? null })))
})

it('gives empty columns for no rows', async () => {
  const answer = await database.query('select * from unnest($1::uuid[])', columnsOf([], ['id']))
  expect(answer.rows).toEqual([])
})
