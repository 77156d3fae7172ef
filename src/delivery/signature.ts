import { createHmac } from 'node:crypto'
import { parseWebhookSecret, type SignedMessage, signedContent } from '../domain/webhook.ts'

/**
 * The value of `webhook-signature`: one signature a secret, in their order, so that a receiver that
 * knows the old or the new one verifies it while they are exchanged. Undefined without secrets; one
 * that is malformed is left out.
 * @see Standard Webhooks, "Signature scheme"
 */
export function signWebhook(
  secrets: readonly string[],
  message: SignedMessage,
): string | undefined {
  const content = signedContent(message)
  const signatures = secrets.flatMap((secret) => {
    const bytes = parseWebhookSecret(secret)
    return bytes ? [`v1,${createHmac('sha256', bytes).update(content).digest('base64')}`] : []
  })
  return signatures.length === 0 ? undefined : signatures.join(' ')
}
