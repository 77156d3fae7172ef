/** What a secret begins with. @see Standard Webhooks, "Signature scheme" */
const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * Reads a secret as operators write it, `whsec_` and base64; gives its bytes. Undefined if it is
 * malformed or not 24 to 64 bytes long.
 * @see Standard Webhooks, "Symmetric"
 */
export function parseWebhookSecret(text: string): Uint8Array | undefined {
  if (!text.startsWith(SECRET_PREFIX)) return undefined
  const base64 = text.slice(SECRET_PREFIX.length)
  if (!BASE64.test(base64)) return undefined
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX ? bytes : undefined
}

/** What a signature is made over. */
export interface SignedMessage {
  /** As in `webhook-id`. */
  readonly deliveryId: string
  /** As in `webhook-timestamp`: seconds since 1970. */
  readonly timestamp: string
  /** As sent; empty for HEAD and GET. */
  readonly body: string
}

/** The text that is signed. @see Standard Webhooks, "Signature scheme" */
export function signedContent({ deliveryId, timestamp, body }: SignedMessage): string {
  return `${deliveryId}.${timestamp}.${body}`
}

/** An instant as `webhook-timestamp` writes it: whole seconds since 1970. */
export function webhookTimestamp(at: Date): string {
  return String(Math.floor(at.getTime() / 1000))
}
