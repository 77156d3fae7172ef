import type { RunTrial, Trial, TrialExchange, TrialReport } from '../domain/delivery-trial.ts'
import { webhookTimestamp } from '../domain/webhook.ts'
import { attempt, type AttemptReport, type MadeExchange } from './attempt.ts'
import { createDispatcher, type DispatcherOptions } from './dispatcher.ts'
import { signWebhook } from './signature.ts'
import { userAgentOf } from './user-agent.ts'

/** Makes trials on connections of its own, so that no delivery waits for one. */
export interface Trials {
  readonly run: RunTrial
  readonly close: () => Promise<void>
}

/** How trials reach the world. */
export interface TrialOptions extends Pick<
  DispatcherOptions,
  'policy' | 'resolve' | 'ca' | 'proxyUrl'
> {
  readonly contactUrl?: string | undefined
  /** One trial, redirects included: 10 s unless said. */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 10_000
const ORIGINS_MAX = 16

/** Sends what a delivery would send, once, and keeps what was said. Nothing is stored. */
export function createTrials({
  contactUrl,
  deadlineMs = DEADLINE_MS,
  ...options
}: TrialOptions): Trials {
  const dispatcher = createDispatcher({
    ...options,
    connectionsPerOrigin: 2,
    originsMax: ORIGINS_MAX,
    connectTimeoutMs: deadlineMs,
  })
  return {
    async run(trial) {
      const exchanges: TrialExchange[] = []
      const sentAt = new Date()
      const { method, url, body, getAfterHeadRefused, deliveryId } = trial
      const report = await attempt(dispatcher, {
        method,
        url,
        body,
        getAfterHeadRefused,
        deliveryId,
        userAgent: userAgentOf(contactUrl),
        signature: signatureOf(trial, sentAt),
        sentAt,
        deadlineMs,
        onExchange: (made) => exchanges.push(toExchange(made)),
      })
      return toReport(report, exchanges)
    },
    close: () => dispatcher.destroy(),
  }
}

function signatureOf({ secrets, deliveryId, method, body = '' }: Trial, sentAt: Date) {
  const timestamp = webhookTimestamp(sentAt)
  return signWebhook(secrets, { deliveryId, timestamp, body: method === 'POST' ? body : '' })
}

function toExchange({ answer, ...made }: MadeExchange): TrialExchange {
  if (answer.kind === 'broken') return { ...made, answer }
  const { kind, status, kept = { headers: {}, body: '' } } = answer
  return { ...made, answer: { kind, status, ...kept } }
}

function toReport(
  { outcome, durationMs }: AttemptReport,
  exchanges: readonly TrialExchange[],
): TrialReport {
  const reason = outcome.kind === 'failed' ? outcome.reason : undefined
  return { outcome: outcome.kind, reason, durationMs, exchanges }
}
