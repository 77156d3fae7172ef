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
export const findEarlierConversions = (
  db: Queryable,
  questions: readonly DedupeQuestion[],
): Promise<ReadonlySet<string>> =>
  findRepeated(db, questions, {
    name: 'find-earlier-conversions',
    isInside: 'other.settled_at > app_now() - make_interval(secs => q.seconds)',
  })

/** A call that is settled anew, and would convert. */
export interface ReplayedQuestion extends DedupeQuestion {
  /** When it would have, had it been settled right. */
  readonly at: Date
}

/**
 * The UUIDs of those calls that would be their caller's second conversion in the same group: another call has
 * converted less than the window before or after. What an earlier replay has converted counts from the
 * postback that it rests on, not from the day of that replay. Takes the same locks.
 */
export const findConversionsAround = (
  db: Queryable,
  questions: readonly ReplayedQuestion[],
): Promise<ReadonlySet<string>> =>
  findRepeated(db, questions, {
    name: 'find-conversions-around',
    isInside: `coalesce((${REPLAYED_AT}), other.settled_at) > q.at - make_interval(secs => q.seconds)
           and coalesce((${REPLAYED_AT}), other.settled_at) < q.at + make_interval(secs => q.seconds)`,
  })

const REPLAYED_AT = `
  select greatest(other.ended_at, p.received_at)
    from settlements s
    left join postbacks p on p.call_uuid = s.call_uuid and p.postback_id = s.postback_id
   where s.call_uuid = other.call_uuid and s.kind = 'late_conversion' and s.replay_id is not null`

interface Window {
  /** Of the statement, which is another one for each window. */
  readonly name: string
  /** Whether the conversion of `other` is inside the window of the question `q`, in SQL. */
  readonly isInside: string
}

async function findRepeated(
  db: Queryable,
  questions: readonly (DedupeQuestion & Partial<ReplayedQuestion>)[],
  { name, isInside }: Window,
): Promise<ReadonlySet<string>> {
  if (questions.length === 0) return new Set()
  await lockCallers(db, questions)
  const { rows } = await db.query<{ callUuid: string }>({
    name,
    text: `select q.call_uuid "callUuid"
             from jsonb_to_recordset($1::jsonb) as q (
                  call_uuid uuid, caller_number text, campaign_id text, group_id text, seconds int,
                  at timestamptz)
            where exists (
                  select from calls other
                   where other.revenue is not null
                     and other.caller_number = q.caller_number
                     and other.campaign_id = q.campaign_id
                     and other.conversion_group_id = q.group_id
                     and other.call_uuid <> q.call_uuid
                     and ${isInside})`,
    values: [toJson(questions)],
  })
  return new Set(rows.map(({ callUuid }) => callUuid))
}

async function lockCallers(db: Queryable, questions: readonly DedupeQuestion[]): Promise<void> {
  await db.query({
    name: 'lock-callers',
    text: `select pg_advisory_xact_lock(key) from (
             select distinct hashtextextended(campaign_id || ' ' || group_id || ' ' || caller_number, 0) as key
               from jsonb_to_recordset($1::jsonb) as q (campaign_id text, group_id text, caller_number text)
              order by key) locks`,
    values: [toJson(questions)],
  })
}

const toJson = (questions: readonly (DedupeQuestion & Partial<ReplayedQuestion>)[]): string =>
  JSON.stringify(
    questions.map((question) => ({
      call_uuid: question.callUuid,
      caller_number: question.callerNumber,
      campaign_id: question.campaignId,
      group_id: question.groupId,
      seconds: question.dedupeSeconds,
      at: question.at,
    })),
  )
