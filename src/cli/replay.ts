import type { Command } from 'commander'
import { v7 as uuidv7 } from 'uuid'
import { type Config, parseConfig } from '../config.ts'
import { latestCampaignVersions } from '../db/configurations.ts'
import type { Database } from '../db/queryable.ts'
import { AppError } from '../domain/app-error.ts'
import { type ConfigurationView, startConfigurationView } from '../flow/configuration-view.ts'
import type { FlowDeps } from '../flow/flow-deps.ts'
import { countReplay, replay } from '../flow/replay.ts'
import { createLogger } from '../telemetry/logger.ts'
import { operator } from './operator.ts'
import { readTime } from './rehearse.ts'
import { withDatabase } from './with-database.ts'

interface ReplayOptions {
  readonly campaign: string
  readonly since: string
  readonly until?: string
  readonly why: string
  readonly confirm?: boolean
}

/** `bridgeback replay`: past calls settled anew under the campaign's rules in force. */
export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description(
      "settle past calls anew under the campaign's rules in force: writes adjustments and fires their URLs",
    )
    .requiredOption('--campaign <id>', 'whose calls')
    .requiredOption(
      '--since <time>',
      'the first beginning that counts, as in 2026-03-01 (UTC) or 2026-03-01T00:00:00-05:00',
    )
    .option('--until <time>', 'the first beginning that does not; now unless said')
    .requiredOption('--why <text>', 'what is corrected; stands in the ledger of every call')
    .option('--confirm', 'do it; without this, only how many calls would be settled anew is said')
    .action(async (options: ReplayOptions) => {
      const line = await replayCalls(parseConfig(process.env), options)
      process.stdout.write(`${line}\n`)
    })
}

/** Replays, or says how many calls that would be about. @throws AppError saying what to do */
export function replayCalls(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  { campaign: campaignId, since, until, why, confirm }: ReplayOptions,
): Promise<string> {
  const range = {
    campaignId,
    since: readTime('--since', since),
    until: until === undefined ? new Date() : readTime('--until', until),
  }
  if (why.trim() === '') throw new AppError('invalid_configuration', 'Say with --why what for.')
  return withDatabase(config, async (database) => {
    const version = (await latestCampaignVersions(database, [campaignId])).get(campaignId)?.version
    if (version === undefined) {
      throw new AppError('not_found', `There is no campaign ${campaignId}: give the id of one.`)
    }
    return withDeps(database, async (deps) => {
      if (!confirm) {
        const { differing, calls } = await countReplay(deps, { ...range, version, why })
        return `${differing} of ${calls} calls would be settled anew under version ${version}; --confirm does it.`
      }
      const madeBy = operator().name
      const settled = await replay(deps, { ...range, version, why, madeBy, replayId: uuidv7() })
      return `${settled} calls were settled anew under version ${version}.`
    })
  })
}

async function withDeps<T>(database: Database, work: (deps: FlowDeps) => Promise<T>): Promise<T> {
  const log = createLogger({ level: 'warn' })
  const view = await startConfigurationView(database, { log: log.info })
  try {
    const names = namesIn(view)
    // A running service finds what is queued within a quarter of a second.
    return await work({
      database,
      campaignRules: view.campaignRules,
      names,
      wakeDelivery: () => {},
      log,
    })
  } finally {
    await view.close()
  }
}

const namesIn =
  (view: ConfigurationView): FlowDeps['names'] =>
  ({ campaignId, publisherId, buyerId }) => {
    const { campaign, publisher, buyer } = view.current()
    return {
      campaignName: campaign(campaignId)?.name ?? '',
      publisherName: publisher(publisherId)?.name ?? '',
      buyerName: buyerId === undefined ? undefined : buyer(buyerId)?.name,
    }
  }
