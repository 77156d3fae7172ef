import type { StandingConversion } from '../domain/replay-plan.ts'
import { WITHDRAWN } from '../domain/settlement.ts'
import type { Queryable } from './queryable.ts'

/** Whose conversions are told apart. */
export interface CallerOfGroup {
  readonly callerNumber: string
  readonly campaignId: string
  readonly groupId: string
}

/** A question for an earlier conversion of the same caller. @see behaviour B13 */
export interface DedupeQuestion extends CallerOfGroup {
  readonly callUuid: string
  readonly dedupeSeconds: number
}

/**
 * The UUIDs of those calls whose caller has converted in the same group inside the window. What a replay has
 * withdrawn does not count, and what it has converted counts from when that was posted. Takes a lock on each
 * caller first, so that two calls of one caller cannot both find nothing.
 */
export async function findEarlierConversions(
  db: Queryable,
  questions: readonly DedupeQuestion[],
): Promise<ReadonlySet<string>> {
  if (questions.length === 0) return new Set()
  await lockCallers(db, questions)
  // With `offset`, question by question by the index of callers, whatever is thought of their number.
  const { rows } = await db.query<{ callUuid: string }>({
    name: 'find-earlier-conversions',
    text: `select q.call_uuid "callUuid"
             from jsonb_to_recordset($1::jsonb) as q (
                  call_uuid uuid, caller_number text, campaign_id text, group_id text, seconds int)
            where exists (
                  select from calls earlier
                   where earlier.revenue is not null
                     and earlier.basis is distinct from '${WITHDRAWN}'
                     and earlier.caller_number = q.caller_number
                     and earlier.campaign_id = q.campaign_id
                     and earlier.conversion_group_id = q.group_id
                     and earlier.settled_at > app_now() - make_interval(secs => q.seconds)
                     and earlier.call_uuid <> q.call_uuid
                  offset 0)`,
    values: [toJson(questions)],
  })
  return new Set(rows.map(({ callUuid }) => callUuid))
}

/** All conversions of these callers in a campaign, but those that a replay has withdrawn. */
export async function findConversionsOf(
  db: Queryable,
  campaignId: string,
  callerNumbers: readonly string[],
): Promise<readonly StandingConversion[]> {
  if (callerNumbers.length === 0) return []
  const { rows } = await db.query<StandingConversion>({
    name: 'find-conversions-of',
    text: `select call_uuid "callUuid", caller_number "callerNumber", conversion_group_id "groupId",
                  settled_at "convertedAt"
             from calls
            where revenue is not null and basis is distinct from '${WITHDRAWN}'
              and caller_number = any($1::text[]) and campaign_id = $2
              and conversion_group_id is not null`,
    values: [callerNumbers, campaignId],
  })
  return rows
}

/**
 * Locks callers for this transaction, so that nobody else decides whether one has converted before. Always
 * after the calls. @see lockCalls
 */
export async function lockCallers(
  db: Queryable,
  questions: readonly CallerOfGroup[],
): Promise<void> {
  if (questions.length === 0) return
  await db.query({
    name: 'lock-callers',
    text: `select pg_advisory_xact_lock(key) from (
             select distinct hashtextextended(campaign_id || ' ' || group_id || ' ' || caller_number, 0) as key
               from jsonb_to_recordset($1::jsonb) as q (campaign_id text, group_id text, caller_number text)
              order by key) locks`,
    values: [toJson(questions)],
  })
}

const toJson = (questions: readonly (CallerOfGroup & Partial<DedupeQuestion>)[]): string =>
  JSON.stringify(
    questions.map((question) => ({
      call_uuid: question.callUuid,
      caller_number: question.callerNumber,
      campaign_id: question.campaignId,
      group_id: question.groupId,
      seconds: question.dedupeSeconds,
    })),
  )
