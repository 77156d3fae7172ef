/** What was seen from outside the service: what it has acknowledged, and what it has sent. */
export interface OutsideRecord {
  readonly calls: Map<string, CallSeen>
  readonly requests: RequestSeen[]
}

/** One call as its client saw it. */
export interface CallSeen {
  /** The service has said that the call is stored, its end included. */
  isAcknowledged: boolean
  /** Amounts whose postback was acknowledged, in the order in which they were first sent. */
  readonly amounts: string[]
  /** Answers that no behaviour allows. */
  readonly wrongAnswers: string[]
  /** The client has done all that it wanted with it. */
  isDone: boolean
}

/** One request as a receiver saw it. */
export interface RequestSeen {
  /** By `[delivery_id]` in its URL. */
  readonly deliveryId: string
  /** By its header. */
  readonly webhookId: string
  readonly trackingUrlId: string
  readonly callUuid: string
  readonly payout: string
  readonly arrivedAtMs: number
  /** When 2xx was sent; undefined if it never was. */
  readonly takenAtMs: number | undefined
  /** Where it was signed: whether the signature was right. */
  readonly isGenuine: boolean
}

/** A record with nothing in it. */
export const openRecord = (): OutsideRecord => ({ calls: new Map(), requests: [] })
