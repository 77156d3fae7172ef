import { expect, it } from 'vitest'
import { createEventMetrics } from '../../src/telemetry/event-metrics.ts'
import type { Logger } from '../../src/telemetry/logger.ts'
import { formatMetrics } from '../../src/telemetry/metrics.ts'

function open() {
  const written: string[] = []
  const log = (event: string) => void written.push(event)
  const events = createEventMetrics()
  const logger: Logger = events.watch({ debug: log, info: log, warn: log, error: log })
  const lines = () =>
    formatMetrics(events.read())
      .split('\n')
      .filter((line) => !line.startsWith('#'))
  return { written, logger, lines }
}

it('counts calls, decisions and deliveries from the lines of the log, which are still written', () => {
  const { written, logger, lines } = open()
  logger.info('call.ended', { call_uuid: 'x', connected_ms: 60_000 })
  logger.info('call.ended', { call_uuid: 'y', connected_ms: undefined })
  logger.info('call.settled', { kind: 'settlement', conversion: 'converted', reason: 'posted' })
  const attempted = { trigger: 'bridged', duration_ms: 30, host: 'secret.example' }
  logger.info('delivery.attempted', { ...attempted, outcome: 'delivered', next: 'delivered' })
  logger.info('delivery.attempted', { ...attempted, outcome: 'failed', next: 'failed' })

  expect(written).toHaveLength(5)
  expect(lines()).toEqual(
    expect.arrayContaining([
      'bridgeback_calls_ended_total{answered="true"} 1',
      'bridgeback_calls_ended_total{answered="false"} 1',
      'bridgeback_settlements_total{kind="settlement",conversion="converted",reason="posted"} 1',
      'bridgeback_delivery_attempts_total{trigger="bridged",outcome="delivered",next="delivered"} 1',
      'bridgeback_delivery_attempts_total{trigger="bridged",outcome="failed",next="failed"} 1',
      'bridgeback_delivery_attempt_seconds_bucket{le="0.05"} 2',
      'bridgeback_delivery_attempt_seconds_count 2',
    ]),
  )
})

it('puts no call, caller, host or URL into a label (B7)', () => {
  const { logger, lines } = open()
  const secret = 'v4lue-of-one-call'
  for (const event of [
    'call.ended',
    'call.refused',
    'call.settled',
    'delivery.attempted',
    'http.request',
  ]) {
    const names = ['call_uuid', 'delivery_id', 'host', 'source', 'tracking_url_id', 'url']
    logger.info(event, Object.fromEntries(names.map((name) => [name, secret])))
  }
  expect(lines().join('\n')).not.toContain(secret)
})

it('counts every warning and error by its event', () => {
  const { logger, lines } = open()
  logger.warn('sip.disconnected', {})
  logger.error('loop.failed', {})
  logger.error('loop.failed', {})
  expect(lines()).toEqual(
    expect.arrayContaining([
      'bridgeback_log_problems_total{level="warn",event="sip.disconnected"} 1',
      'bridgeback_log_problems_total{level="error",event="loop.failed"} 2',
    ]),
  )
})
