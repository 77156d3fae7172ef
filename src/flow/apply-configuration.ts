import {
  currentConfiguration,
  insertCampaignVersions,
  insertConfiguration,
  latestCampaignVersions,
  lockConfiguration,
} from '../db/configurations.ts'
import { insertAct } from '../db/audit.ts'
import type { Database } from '../db/queryable.ts'
import { type Actor, shortened } from '../domain/audit.ts'
import { findChanges } from '../domain/configuration-changes.ts'
import {
  type ParsedConfiguration,
  parseConfigurationDocument,
} from '../domain/configuration-document.ts'
import type { ConfigurationDocument } from '../domain/configuration-schema.ts'

/** What applying a document did, or would do. */
export interface AppliedConfiguration {
  /** The revision in force; 0 if none ever was. */
  readonly revision: number
  /** One line a change, as in `campaign solar: version 2`; empty if there was nothing to do. */
  readonly changes: readonly string[]
}

/** How a document is applied. */
export interface ApplyOptions {
  readonly dryRun?: boolean
  /** Who is on record for it; undefined where it is no person's doing. */
  readonly by?: Actor
}

/**
 * Makes the configuration equal to a document, all or nothing. The same document again changes
 * nothing; a campaign gets a new version only if its rules differ, and calls keep the version under
 * which they began.
 */
export async function applyConfiguration(
  database: Database,
  { document }: Pick<ParsedConfiguration, 'document'>,
  { dryRun = false, by }: ApplyOptions = {},
): Promise<AppliedConfiguration> {
  return database.transaction(async (db) => {
    await lockConfiguration(db)
    const current = await currentConfiguration(db)
    const ids = (document.campaigns ?? []).map(({ id }) => id)
    const latest = await latestCampaignVersions(db, ids)

    const { lines, newVersions } = findChanges(readStored(current?.document), document, latest)
    if (dryRun || lines.length === 0) return { revision: current?.revision ?? 0, changes: lines }

    await insertCampaignVersions(db, newVersions)
    const revision = await insertConfiguration(db, document)
    if (by) {
      const details = { changes: shortened(lines) }
      await insertAct(db, by, { what: 'configuration.applied', subject: String(revision), details })
    }
    return { revision, changes: lines }
  })
}

/** What cannot be read any more is replaced as if it were not there; else nobody could repair it. */
function readStored(document: unknown): ConfigurationDocument {
  const parsed = parseConfigurationDocument(document)
  return parsed.kind === 'configuration' ? parsed.document : {}
}
