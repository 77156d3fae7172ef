import type { Database } from '../db/queryable.ts'
import type { CallFacts, CallNames } from '../domain/call.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import type { Logger } from '../telemetry/logger.ts'

/** What the steps of the flow need from around them. */
export interface FlowDeps {
  readonly database: Database
  /** The rules that a call was begun under. */
  readonly campaignRules: (campaignId: string, version: number) => Promise<CampaignRules>
  /** The names behind a call's ids, as configured now. */
  readonly names: (call: Pick<CallFacts, 'campaignId' | 'publisherId' | 'buyerId'>) => CallNames
  /** Tells the delivery worker that there is something to send; called after the commit. */
  readonly wakeDelivery: () => void
  readonly log: Logger
}
