import type { Queryable } from './queryable.ts'

/** A tracking URL of a campaign. */
export interface TrackingUrlName {
  readonly campaignId: string
  readonly trackingUrlId: string
}

/** Why a tracking URL wants a person's attention. */
export interface TrackingUrlProblem extends TrackingUrlName {
  /** `gone`: it has answered 410. `failing`: many attempts in a row have failed. */
  readonly problem: 'gone' | 'failing'
  /** In a row. */
  readonly failures: number
  readonly host: string
  /** Of the last attempt. */
  readonly status: number | null
  readonly error: string | null
}

/** The same with when it began and when it was last noted. */
export interface NotedProblem extends TrackingUrlProblem {
  readonly since: Date
  readonly notedAt: Date
}

/** Stores a problem, or what has become of it; `since` stays that of the first time. */
export async function noteProblem(
  db: Queryable,
  { campaignId, trackingUrlId, problem, failures, host, status, error }: TrackingUrlProblem,
): Promise<void> {
  await db.query(
    `insert into tracking_url_problems
            (campaign_id, tracking_url_id, problem, since, noted_at, failures, host, status, error)
     values ($1, $2, $3, app_now(), app_now(), $4, $5, $6, $7)
         on conflict (campaign_id, tracking_url_id) do update
        set problem = excluded.problem, noted_at = excluded.noted_at, failures = excluded.failures,
            host = excluded.host, status = excluded.status, error = excluded.error`,
    [campaignId, trackingUrlId, problem, failures, host, status, error],
  )
}

/** Removes a problem: the URL has taken a request. */
export async function clearProblem(
  db: Queryable,
  { campaignId, trackingUrlId }: TrackingUrlName,
): Promise<void> {
  await db.query(
    `delete from tracking_url_problems where campaign_id = $1 and tracking_url_id = $2`,
    [campaignId, trackingUrlId],
  )
}

/** All of them, by campaign and URL. */
export async function listProblems(db: Queryable): Promise<readonly NotedProblem[]> {
  const { rows } = await db.query<NotedProblem>(
    `select campaign_id "campaignId", tracking_url_id "trackingUrlId", problem, since,
            noted_at "notedAt", failures, host, status, error
       from tracking_url_problems order by campaign_id, tracking_url_id`,
  )
  return rows
}
