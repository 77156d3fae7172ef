import type { Queryable } from './queryable.ts'

/** A question for an earlier conversion of the same caller. @see behaviour B13 */
export interface DedupeQuestion {
  readonly callUuid: string
  readonly callerNumber: string
  readonly campaignId: string
  readonly groupId: string
  readonly dedupeSeconds: number
}

/**
 * The UUIDs of those calls whose caller has converted in the same group inside the window. Takes a lock on
 * each caller first, so that two calls of one caller cannot both find nothing.
 */
export async function findEarlierConversions(
  db: Queryable,
  questions: readonly DedupeQuestion[],
): Promise<ReadonlySet<string>> {
  if (questions.length === 0) return new Set()
  const asked = JSON.stringify(
    questions.map((question) => ({
      call_uuid: question.callUuid,
      caller_number: question.callerNumber,
      campaign_id: question.campaignId,
      group_id: question.groupId,
      seconds: question.dedupeSeconds,
    })),
  )
  await db.query({
    name: 'lock-callers',
    text: `select pg_advisory_xact_lock(key) from (
             select distinct hashtextextended(campaign_id || ' ' || group_id || ' ' || caller_number, 0) as key
               from jsonb_to_recordset($1::jsonb) as q (campaign_id text, group_id text, caller_number text)
              order by key) locks`,
    values: [asked],
  })
  const { rows } = await db.query<{ callUuid: string }>({
    name: 'find-earlier-conversions',
    text: `select q.call_uuid "callUuid"
             from jsonb_to_recordset($1::jsonb) as q (
                  call_uuid uuid, caller_number text, campaign_id text, group_id text, seconds int)
            where exists (
                  select from calls earlier
                   where earlier.conversion = 'converted'
                     and earlier.caller_number = q.caller_number
                     and earlier.campaign_id = q.campaign_id
                     and earlier.conversion_group_id = q.group_id
                     and earlier.settled_at > app_now() - make_interval(secs => q.seconds)
                     and earlier.call_uuid <> q.call_uuid)`,
    values: [asked],
  })
  return new Set(rows.map(({ callUuid }) => callUuid))
}
