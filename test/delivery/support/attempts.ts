import { onTestFinished } from 'vitest'
import { buildAddressPolicy } from '../../../src/delivery/address-policy.ts'
import { attempt, type AttemptRequest } from '../../../src/delivery/attempt.ts'
import { createDispatcher, type DispatcherOptions } from '../../../src/delivery/dispatcher.ts'

export const LOOPBACK = buildAddressPolicy(['127.0.0.0/8'])
export const PUBLIC_ONLY = buildAddressPolicy([])
export const sentAt = new Date('2026-03-01T12:00:00.900Z')

export function aDispatcher(options: Partial<DispatcherOptions> = {}) {
  const dispatcher = createDispatcher({ policy: LOOPBACK, connectionsPerOrigin: 4, ...options })
  onTestFinished(() => dispatcher.destroy())
  return dispatcher
}

export function aRequest(url: string, overrides: Partial<AttemptRequest> = {}): AttemptRequest {
  return {
    method: 'GET',
    url,
    body: undefined,
    getAfterHeadRefused: true,
    deliveryId: '0192_ping_0',
    userAgent: 'Bridgeback/1.2.3',
    sentAt,
    deadlineMs: 5_000,
    ...overrides,
  }
}

export const send = async (url: string, overrides: Partial<AttemptRequest> = {}) =>
  attempt(aDispatcher(), aRequest(url, overrides))

export const failed = (reason: string, status?: number, retryAfterSeconds?: number) => ({
  kind: 'failed',
  reason,
  status,
  retryAfterSeconds,
})
