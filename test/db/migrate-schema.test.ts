import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { dumpSchema, SCHEMA_FILE } from '../../scripts/dump-schema.ts'
import { openTestDatabase } from '../support/database.ts'

describe('schema.sql', () => {
  it('is what the migrations amount to; if not, run npm run db:schema', async () => {
    const database = await openTestDatabase()
    expect(await dumpSchema(database)).toBe(await readFile(SCHEMA_FILE, 'utf8'))
  })

  it('makes the same schema in an empty database', async () => {
    const database = await openTestDatabase()
    const dump = await dumpSchema(database)
    await database.query('drop schema public cascade')
    await database.query('create schema public')
    await database.query(dump)
    // The list of migrations is part of it.
    expect(await dumpSchema(database)).toBe(dump)
  })

  it('leaves out the partitions of months, which depend on the day', async () => {
    const database = await openTestDatabase()
    const before = await dumpSchema(database)
    await database.query(`create table legs_2026_03 partition of legs
      for values from ('019ca6ee-0000-0000-0000-000000000000')
                   to ('019d4691-0000-0000-0000-000000000000')`)
    expect(await dumpSchema(database)).toBe(before)
  })
})
