import { createHmac, timingSafeEqual } from 'node:crypto'

/*
 * For those who receive tracking URLs: one file without dependencies, also importable as
 * `bridgeback/receiver`. See docs/receivers.md.
 */

/** A request as any HTTP server hands it over. */
export interface ReceivedWebhook {
  /** Names in lower case, as Node gives them. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Exactly as it came, before any JSON parser; empty for HEAD and GET. */
  readonly body: string
}

/** What a request is. */
export type Verification =
  | { readonly kind: 'verified'; readonly id: string; readonly sentAt: Date }
  | {
      readonly kind: 'refused'
      readonly reason: 'no_signature' | 'too_old' | 'wrong_signature'
    }

/** How strict to be. */
export interface VerifyOptions {
  readonly now?: Date
  /** How far the sender's clock may be from this one: 300 s unless said. */
  readonly toleranceSeconds?: number
}

const TOLERANCE_SECONDS = 300

/**
 * Whether a request was signed with one of these secrets (`whsec_…`), not long ago. Give the old and
 * the new secret while they are exchanged.
 * @throws TypeError if a secret is not one: that is a mistake of the receiver's configuration
 * @see Standard Webhooks
 */
export function verifyWebhook(
  secrets: readonly string[],
  { headers = {}, body }: ReceivedWebhook,
  { now = new Date(), toleranceSeconds = TOLERANCE_SECONDS }: VerifyOptions = {},
): Verification {
  const keys = secrets.map(keyOf)
  const id = one(headers['webhook-id'])
  const timestamp = one(headers['webhook-timestamp'])
  const signatures = one(headers['webhook-signature'])
  if (!id || !/^\d{1,12}$/.test(timestamp) || !signatures) {
    return { kind: 'refused', reason: 'no_signature' }
  }
  const sentAt = new Date(Number(timestamp) * 1000)
  const given = signatures.split(' ').filter((signature) => signature.startsWith('v1,'))
  const content = `${id}.${timestamp}.${body}`
  const isRight = keys.some((key) => given.some((signature) => isSignedBy(key, content, signature)))
  if (!isRight) return { kind: 'refused', reason: 'wrong_signature' }
  const isRecent = Math.abs(now.getTime() - sentAt.getTime()) <= toleranceSeconds * 1000
  return isRecent ? { kind: 'verified', id, sentAt } : { kind: 'refused', reason: 'too_old' }
}

function isSignedBy(key: Buffer, content: string, signature: string): boolean {
  const expected = createHmac('sha256', key).update(content).digest()
  const given = Buffer.from(signature.slice('v1,'.length), 'base64')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function keyOf(secret: string): Buffer {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
  if (base64 === undefined) throw new TypeError('a secret is written whsec_ and base64')
  return Buffer.from(base64, 'base64')
}

const one = (value: string | readonly string[] | undefined): string =>
  (typeof value === 'string' ? value : value?.[0]) ?? ''

/** Remembers which deliveries have been dealt with. */
export interface SeenDeliveries {
  /**
   * Does `work` once for each id: true if it was done now, false if it has been done before. Calls
   * with one id wait for each other; if `work` throws, the id counts as not done.
   */
  once(id: string, work: () => Promise<void> | void): Promise<boolean>
}

/**
 * Drops duplicates by `webhook-id`, in memory. A delivery may come twice when an answer was lost, and
 * up to a week later when it was sent again by hand, so where money hangs on it keep the ids in your
 * database: insert the id in the transaction of the work, with a unique key.
 * @param idsMax how many ids are remembered: 100,000 unless said; the oldest go first
 */
export function rememberDeliveries(idsMax = 100_000): SeenDeliveries {
  const done = new Map<string, Promise<void>>()
  return {
    async once(id, work) {
      const earlier = done.get(id)
      if (earlier) {
        // If the work of the first has failed, this one takes its turn.
        const isDone = await earlier.then(
          () => true,
          () => false,
        )
        return isDone ? false : this.once(id, work)
      }
      const working = Promise.resolve().then(work)
      done.set(id, working)
      const [oldest] = done.keys()
      if (done.size > idsMax && oldest !== undefined) done.delete(oldest)
      try {
        await working
        return true
      } catch (error) {
        done.delete(id)
        throw error
      }
    },
  }
}

/** What to answer. */
export interface WebhookAnswer {
  readonly status: 204 | 401 | 500
}

/** How a receiver deals with what it is sent. */
export interface ReceiverOptions {
  readonly secrets: readonly string[]
  readonly seen: SeenDeliveries
  /** Called once for each delivery; if it throws, the sender tries again. */
  readonly onDelivery: (id: string, received: ReceivedWebhook) => Promise<void> | void
  readonly now?: () => Date
}

/**
 * Verifies, drops duplicates and says what to answer: 204 for a delivery that has been dealt with now
 * or before, 401 for a request that is not ours, 500 to be tried again.
 */
export async function receiveWebhook(
  { secrets, seen, onDelivery, now }: ReceiverOptions,
  received: ReceivedWebhook,
): Promise<WebhookAnswer> {
  const verified = verifyWebhook(secrets, received, now ? { now: now() } : {})
  if (verified.kind === 'refused') return { status: 401 }
  try {
    await seen.once(verified.id, () => onDelivery(verified.id, received))
    return { status: 204 }
  } catch {
    return { status: 500 }
  }
}
