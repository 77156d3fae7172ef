import {
  type CurrentConfiguration,
  currentConfiguration,
  currentRevision,
} from '../db/configurations.ts'
import type { Database } from '../db/queryable.ts'
import { parseConfigurationDocument } from '../domain/configuration-document.ts'
import { type ConfigurationSnapshot, indexConfiguration } from '../domain/configuration-snapshot.ts'
import { createCampaignRulesCache, type FindCampaignRules } from './campaign-rules-cache.ts'
import { startPoll } from './configuration-poll.ts'

/** The configuration in force, in memory. */
export interface ConfigurationView {
  readonly current: () => ConfigurationSnapshot
  /** Resolves once everything that was applied before is seen. @throws if the database is away */
  readonly refresh: () => Promise<void>
  /**
   * The rules under which a call was begun, in force or not.
   * @throws AppError `not_found`, or `invalid_configuration` if they cannot be read
   */
  readonly campaignRules: FindCampaignRules
  /** Stops following. Safe to call twice. */
  readonly close: () => Promise<void>
}

/** How to follow the configuration. */
export interface ConfigurationViewOptions {
  /** How often to look for a new revision; 250 ms unless said. */
  readonly pollMs?: number
  /** Called for every revision but the first; must not throw. */
  readonly onChange?: (snapshot: ConfigurationSnapshot) => void
  readonly log?: (event: string, fields: object) => void
}

const POLL_MS = 250
/** Versions with calls that are still open, and some. */
const RULES_KEPT = 1_000
const NOTHING: CurrentConfiguration = { revision: 0, document: {}, campaignVersions: new Map() }

/**
 * Reads the configuration and follows it: what any process applies is seen by all within `pollMs`. A
 * database that is away, or a stored document that cannot be read, leaves the last good one in force.
 * @throws if the database is away at the start
 */
export async function startConfigurationView(
  database: Database,
  { pollMs = POLL_MS, onChange, log = () => {} }: ConfigurationViewOptions = {},
): Promise<ConfigurationView> {
  const first = await currentConfiguration(database)
  let seenRevision = first?.revision ?? 0
  let snapshot = readSnapshot(first ?? NOTHING, log) ?? indexConfiguration(0, EMPTY, new Map())

  async function look(): Promise<void> {
    if ((await currentRevision(database)) === seenRevision) return
    const current = (await currentConfiguration(database)) ?? NOTHING
    seenRevision = current.revision
    const next = readSnapshot(current, log)
    if (!next) return
    snapshot = next
    onChange?.(next)
  }

  const poll = startPoll(look, {
    everyMs: pollMs,
    onFailure: (error) => log('configuration.not_followed', { error }),
  })
  return {
    current: () => snapshot,
    refresh: poll.next,
    campaignRules: createCampaignRulesCache(database, RULES_KEPT),
    close: poll.close,
  }
}

const EMPTY = { publishers: [], buyers: [], trunks: [], campaigns: [] }

function readSnapshot(
  { revision, document, campaignVersions }: CurrentConfiguration,
  log: NonNullable<ConfigurationViewOptions['log']>,
): ConfigurationSnapshot | undefined {
  const parsed = parseConfigurationDocument(document)
  if (parsed.kind === 'problems') {
    // What was applied has been checked: a newer version of the program, or a hand in the database.
    log('configuration.unreadable', { revision, problems: parsed.problems.slice(0, 10) })
    return undefined
  }
  return indexConfiguration(revision, parsed.configuration, campaignVersions)
}
