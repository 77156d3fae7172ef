import type { FinishedAttempt, NextStep } from '../db/finished-attempts.ts'
import type { ClaimedDelivery } from '../db/lanes.ts'
import { deliveryId } from '../domain/delivery.ts'
import { insertCallKey } from '../domain/tracking-url.ts'
import { webhookTimestamp } from '../domain/webhook.ts'
import { attempt, type AttemptOutcome, type AttemptReport } from './attempt.ts'
import type { GuardedDispatcher } from './dispatcher.ts'
import { decideRetryDelay } from './retry.ts'
import { signWebhook } from './signature.ts'

/** What sending needs besides the delivery. */
export interface SendContext {
  readonly dispatcher: GuardedDispatcher
  readonly userAgent: string
  readonly deadlineMs: number
  readonly keys: (callUuid: string, leg: number) => string
  /** Of the delivery's tracking URL. */
  readonly secrets: readonly string[]
  readonly sentAt: Date
  /** Between 0 and 1. */
  readonly random: number
}

/** What came of sending a delivery once. */
export interface Sent {
  /** To be stored. */
  readonly finished: FinishedAttempt
  /** To be logged. */
  readonly attempted: Omit<AttemptedDelivery, 'stored'>
  /** Whether the host is alive, as far as this attempt can tell. */
  readonly answered: boolean
}

/** One attempt as one wide log line; neither URL nor key is in it. */
export interface AttemptedDelivery {
  readonly delivery_id: string
  readonly call_uuid: string
  readonly tracking_url_id: string
  readonly trigger: string
  readonly host: string
  readonly method: string
  /** 1 for the first. */
  readonly attempt: number
  readonly outcome: AttemptOutcome['kind']
  readonly status: number | undefined
  readonly error: string | undefined
  readonly redirects: number
  readonly duration_ms: number
  /** What becomes of the delivery now. */
  readonly next: 'delivered' | 'failed' | 'retry'
  readonly retry_in_seconds: number | undefined
  /** `stale`: another worker had taken the lane over, so this attempt is not in the records. */
  readonly stored: 'stored' | 'stale' | 'unstored'
}

/** Makes one attempt at a delivery, with the key put into its URL, and decides what follows. */
export async function send(delivery: ClaimedDelivery, context: SendContext): Promise<Sent> {
  const report = await attempt(context.dispatcher, {
    method: delivery.method,
    url: urlWithKey(delivery, context),
    body: delivery.body ?? undefined,
    getAfterHeadRefused: delivery.getAfterHeadRefused,
    deliveryId: deliveryId(delivery),
    userAgent: context.userAgent,
    signature: signatureOf(delivery, context),
    sentAt: context.sentAt,
    deadlineMs: context.deadlineMs,
  })
  const next = decideNext(report.outcome, delivery.attempt, context.random)
  return {
    finished: finishedOf(delivery, report, next),
    attempted: attemptedOf(delivery, report, next),
    answered: isAnswered(report, delivery.host),
  }
}

/** Over what is sent: a HEAD or GET has no body, whatever is stored. */
function signatureOf(delivery: ClaimedDelivery, { secrets, sentAt }: SendContext) {
  return signWebhook(secrets, {
    deliveryId: deliveryId(delivery),
    timestamp: webhookTimestamp(sentAt),
    body: delivery.method === 'POST' ? (delivery.body ?? '') : '',
  })
}

/** A delivery of no leg, as at `start`, has no key: in what an earlier build has queued its place is left empty. */
function urlWithKey({ url, callUuid, leg }: ClaimedDelivery, { keys }: SendContext): string {
  return insertCallKey(url, leg === null ? '' : keys(callUuid, leg))
}

/** What follows from an attempt. @see behaviour B14 */
function decideNext(outcome: AttemptOutcome, attempt: number, random: number): NextStep {
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'done', state: 'delivered' }
    case 'refused_forever':
      return { kind: 'done', state: 'failed' }
    case 'failed': {
      const { retryAfterSeconds } = outcome
      const delaySeconds = decideRetryDelay({ attempt, retryAfterSeconds, random })
      if (delaySeconds === undefined) return { kind: 'done', state: 'failed' }
      return { kind: 'retry', delaySeconds }
    }
  }
}

function finishedOf(
  delivery: ClaimedDelivery,
  { outcome, method, durationMs }: AttemptReport,
  next: NextStep,
): FinishedAttempt {
  const { callUuid, trackingUrlId, token, occurrence, claimedAt } = delivery
  return {
    callUuid,
    trackingUrlId,
    token,
    occurrence,
    next,
    // It was sent as soon as it was claimed, and this is the database's clock.
    startedAt: claimedAt,
    method,
    status: outcome.status,
    error: errorOf(outcome),
    durationMs,
  }
}

function attemptedOf(
  delivery: ClaimedDelivery,
  { outcome, method, redirects, durationMs }: AttemptReport,
  next: NextStep,
): Sent['attempted'] {
  return {
    delivery_id: deliveryId(delivery),
    call_uuid: delivery.callUuid,
    tracking_url_id: delivery.trackingUrlId,
    trigger: delivery.trigger,
    host: delivery.host,
    method,
    attempt: delivery.attempt,
    outcome: outcome.kind,
    status: outcome.status,
    error: errorOf(outcome),
    redirects,
    duration_ms: Math.round(durationMs),
    next: next.kind === 'done' ? next.state : 'retry',
    retry_in_seconds: next.kind === 'retry' ? Math.round(next.delaySeconds) : undefined,
  }
}

/** A status that is not 2xx speaks for itself. */
function errorOf(outcome: AttemptOutcome): string | undefined {
  if (outcome.kind !== 'failed' || outcome.reason === 'unexpected_status') return undefined
  return outcome.reason
}

function isAnswered({ outcome, lastHost }: AttemptReport, host: string): boolean {
  // A host that has redirected elsewhere has answered, whatever became of it there.
  if (lastHost !== host) return true
  if (outcome.kind !== 'failed' || outcome.status !== undefined) return true
  // Refused by us: that says nothing about the host.
  return outcome.reason === 'address_not_allowed'
}
