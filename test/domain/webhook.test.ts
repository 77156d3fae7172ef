import { expect, it } from 'vitest'
import { parseWebhookSecret, signedContent, webhookTimestamp } from '../../src/domain/webhook.ts'

const base64 = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64')

it.each([
  ['24 bytes', `whsec_${base64(24)}`, 24],
  ['64 bytes', `whsec_${base64(64)}`, 64],
  ['32 bytes, padded', `whsec_${base64(32)}`, 32],
])('reads a secret of %s (Standard Webhooks)', (_, text, length) => {
  expect(parseWebhookSecret(text)).toEqual(Uint8Array.from({ length }, () => 1))
})

it.each([
  ['23 bytes', `whsec_${base64(23)}`],
  ['65 bytes', `whsec_${base64(65)}`],
  ['no prefix', base64(32)],
  ['another prefix', `whpk_${base64(32)}`],
  ['no padding', `whsec_${base64(32).replace(/=+$/, '')}`],
  ['base64url', `whsec_${'-_'.repeat(16)}`],
  ['a space', `whsec_ ${base64(24)}`],
  ['nothing', ''],
])('refuses a secret with %s', (_, text) => {
  expect(parseWebhookSecret(text)).toBeUndefined()
})

it('signs id, whole seconds and body, with points between them', () => {
  const timestamp = webhookTimestamp(new Date('2026-03-01T12:00:00.999Z'))
  expect(signedContent({ deliveryId: 'd_1', timestamp, body: '{"a":1}' })).toBe(
    'd_1.1772366400.{"a":1}',
  )
})
