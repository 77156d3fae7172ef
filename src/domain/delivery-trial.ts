/** A request to be made once, outside the outbox, for a call that never was. */
export interface Trial {
  readonly method: 'HEAD' | 'GET' | 'POST'
  readonly url: string
  /** JSON; sent with POST. */
  readonly body: string | undefined
  readonly getAfterHeadRefused: boolean
  readonly deliveryId: string
  /** Of the tracking URL. */
  readonly secrets: readonly string[]
}

/** One request of a trial and what came back. */
export interface TrialExchange {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly answer:
    | {
        readonly kind: 'answered'
        readonly status: number
        readonly headers: Readonly<Record<string, string>>
        /** Its beginning, as text. */
        readonly body: string
      }
    | { readonly kind: 'broken'; readonly reason: string }
}

/** How a trial went: what an attempt of a delivery would have come to. */
export interface TrialReport {
  readonly outcome: 'delivered' | 'refused_forever' | 'failed'
  /** Why it failed. */
  readonly reason: string | undefined
  readonly durationMs: number
  /** In order: redirects, and the GET after a refused HEAD, are requests of their own. */
  readonly exchanges: readonly TrialExchange[]
}

/** Makes the request of a trial, with the guard and the deadline of any other delivery. */
export type RunTrial = (trial: Trial) => Promise<TrialReport>
