import { insertAct } from '../db/audit.ts'
import { type CurrentConfiguration, currentConfiguration } from '../db/configurations.ts'
import type { Queryable } from '../db/queryable.ts'
import type { Actor } from '../domain/audit.ts'

/**
 * The configuration in force for somebody to see, with the passwords and secrets in it: who reads it is put on record
 * before. Undefined before anything was applied; nothing is on record of that, since nothing is shown.
 */
export async function readConfiguration(
  db: Queryable,
  by: Actor,
): Promise<CurrentConfiguration | undefined> {
  const current = await currentConfiguration(db)
  if (!current) return undefined
  const subject = String(current.revision)
  await insertAct(db, by, { what: 'configuration.read', subject, details: {} })
  return current
}
