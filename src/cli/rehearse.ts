import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import type { Command } from 'commander'
import { z } from 'zod'
import { type Config, parseConfig } from '../config.ts'
import { latestCampaignVersions } from '../db/configurations.ts'
import type { Queryable } from '../db/queryable.ts'
import { AppError } from '../domain/app-error.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { parseCampaignRules } from '../domain/configuration-document.ts'
import { minorUnitDigits, toAmount } from '../domain/money.ts'
import { type Difference, type Rehearsal, rehearse, type Totals } from '../flow/rehearse.ts'
import { Instant } from '../http/admin/query.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { withDatabase } from './with-database.ts'

interface RehearseOptions {
  readonly campaign: string
  readonly rules: string
  readonly since: string
  readonly until?: string
  readonly export?: string
}

const SHOWN_MAX = 20

/** `bridgeback rehearse`: what past calls would be worth under other rules. */
export function registerRehearse(program: Command): void {
  program
    .command('rehearse')
    .description('run conversion rules dry over past calls; nothing is sent and nothing is written')
    .requiredOption('--campaign <id>', 'whose calls')
    .requiredOption(
      '--rules <file>',
      'a configuration with that campaign, the campaign alone, or its conversion_groups',
    )
    .requiredOption(
      '--since <time>',
      'the first beginning that counts, as in 2026-03-01 (UTC) or 2026-03-01T00:00:00-05:00',
    )
    .option('--until <time>', 'the first beginning that does not; now unless said')
    .option('--export <file>', 'write every call that would differ, a line of CSV each')
    .action(async (options: RehearseOptions) => {
      const lines = await rehearseFile(parseConfig(process.env), options)
      process.stdout.write(`${lines.join('\n')}\n`)
    })
}

/** Rehearses the rules of a file, and says what would differ, a line each. @throws AppError saying what to do */
export async function rehearseFile(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  options: RehearseOptions,
): Promise<readonly string[]> {
  const { campaign: campaignId, since, until } = options
  const range = {
    campaignId,
    since: readTime('--since', since),
    until: until === undefined ? new Date() : readTime('--until', until),
  }
  const input = await readConfigurationFile(options.rules)
  return withDatabase(config, async (database) => {
    const rules = await readRules(database, campaignId, input)
    const digits = minorUnitDigits(rules.currency)
    const shown: string[] = []
    const file = options.export === undefined ? undefined : openExport(options.export)
    const onDifference = (difference: Difference) => {
      if (shown.length < SHOWN_MAX) shown.push(`  ${sayDifference(difference)}`)
      file?.write(difference)
    }
    const rehearsal = await rehearse(database, { ...range, rulesFor: () => rules, onDifference })
    await file?.close()
    return [...shown, ...sayMore(rehearsal, shown.length), ...sayRehearsal(rehearsal, digits)]
  })
}

/**
 * Reads a time that an option gives, as the API reads it: a day begins in UTC, and a time says its offset, so
 * that it means the same on every machine. @throws AppError naming the option
 */
export function readTime(option: string, text: string): Date {
  const parsed = Instant.safeParse(text)
  if (parsed.success) return parsed.data
  throw new AppError(
    'invalid_configuration',
    `${option} ${text} is no time: write ISO 8601 with an offset, as in 2026-03-01T12:00:00Z, or a day of UTC, as in 2026-03-01.`,
  )
}

const WithCampaigns = z.object({ campaigns: z.array(z.looseObject({ id: z.string() })) })
const WithGroups = z.looseObject({ conversion_groups: z.array(z.unknown()) })

/** Whatever the file leaves out of the campaign is as it is now; its numbers decide nothing. */
async function readRules(
  db: Queryable,
  campaignId: string,
  input: unknown,
): Promise<CampaignRules> {
  const current = (await latestCampaignVersions(db, [campaignId])).get(campaignId)
  if (!current) {
    throw new AppError('not_found', `There is no campaign ${campaignId}: give the id of one.`)
  }
  const document = WithCampaigns.safeParse(input)
  const campaign = document.success
    ? document.data.campaigns.find(({ id }) => id === campaignId)
    : input
  const groups = WithGroups.safeParse(campaign)
  if (!groups.success) {
    throw new AppError(
      'invalid_configuration',
      `The file holds no conversion groups for ${campaignId}: write conversion_groups as in the configuration.`,
    )
  }
  return parseCampaignRules({
    ...current.definition,
    conversion_groups: groups.data.conversion_groups,
  })
}

function openExport(name: string) {
  const out = createWriteStream(name)
  const failed = once(out, 'error').then(([cause]) => {
    throw new AppError('not_found', `${name} cannot be written: name another file.`, { cause })
  })
  failed.catch(() => {})
  out.write(
    'call_uuid,before,revenue_before,payout_before,after,revenue_after,payout_after,reason\n',
  )
  return {
    write({ callUuid, before, after }: Difference) {
      const { conversion, revenue = '', payout = '' } = before
      const { revenue: newRevenue = '', payout: newPayout = '', reason = '' } = after.decision ?? {}
      const now = [after.conversion, newRevenue, newPayout, reason]
      out.write(`${[callUuid, conversion, revenue, payout, ...now].join(',')}\n`)
    },
    async close() {
      out.end()
      await Promise.race([once(out, 'finish'), failed])
    },
  }
}

function sayDifference({ callUuid, before, after }: Difference): string {
  const { revenue, payout, reason } = after.decision ?? {}
  const then = worth(before.conversion, before.revenue, before.payout)
  return `${callUuid}: ${then} -> ${worth(after.conversion, revenue, payout)} (${reason ?? 'waiting'})`
}

const worth = (conversion: string, revenue = '-', payout = '-'): string =>
  revenue === '-' ? conversion : `${conversion} ${trim(revenue)}/${trim(payout)}`

/** The database keeps six decimals. */
const trim = (amount: string): string => amount.replace(/(\.\d\d)0+$/, '$1')

const sayMore = ({ differing }: Rehearsal, shown: number): readonly string[] =>
  differing > shown ? [`  and ${differing - shown} more`] : []

function sayRehearsal(
  { calls, differing, before, after }: Rehearsal,
  digits: number,
): readonly string[] {
  const amount = (millionths: bigint) =>
    toAmount({ numerator: millionths, denominator: 1_000_000n }, digits)
  const line = (name: string, totals: Totals) =>
    `${name}: ${totals.converted} converted, revenue ${amount(totals.revenue)}, payout ${amount(totals.payout)}`
  return [
    `${differing} of ${calls} calls would differ.`,
    line('as it is', before),
    line('rehearsed', after),
    `difference: revenue ${amount(after.revenue - before.revenue)}, payout ${amount(after.payout - before.payout)}`,
  ]
}
