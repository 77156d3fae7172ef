import { describe, expect, it } from 'vitest'
import type { LogLevel } from '../../src/domain/log-level.ts'
import { createLogger } from '../../src/telemetry/logger.ts'

function openLog(level: LogLevel = 'info') {
  const lines: string[] = []
  const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } })
  const read = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { logger, lines, read }
}

describe('createLogger', () => {
  it('writes one JSON line with level, time, process, event and fields', () => {
    const { logger, read } = openLog()
    logger.info('call.settled', { call_uuid: 'c1', payout: '8.00' })
    expect(read()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        pid: process.pid,
        event: 'call.settled',
        call_uuid: 'c1',
        payout: '8.00',
      },
    ])
  })

  it('leaves out what is below its level', () => {
    const { logger, read } = openLog('warn')
    logger.debug('a', {})
    logger.info('b', {})
    logger.warn('c', {})
    logger.error('d', {})
    expect(read().map(({ event }) => event)).toEqual(['c', 'd'])
  })

  it.each([
    { key: 'SECRET-VALUE' },
    { callKey: 'SECRET-VALUE' },
    { call_key: 'SECRET-VALUE' },
    { secret: 'SECRET-VALUE' },
    { password: 'SECRET-VALUE' },
    { authorization: 'SECRET-VALUE' },
    { callerNumber: 'SECRET-VALUE' },
    { call: { caller_number: 'SECRET-VALUE' } },
    { request: { headers: { 'x-call-key': 'SECRET-VALUE' } } },
    { drachtio: { secret: 'SECRET-VALUE' } },
    { query: 'key=SECRET-VALUE' },
    { a: { b: { c: { password: 'SECRET-VALUE' } } } },
  ])('never writes secrets, keys and callers (B7): %o', (fields) => {
    const { logger, lines } = openLog('trace')
    logger.error('event', fields)
    expect(lines).toHaveLength(1)
    expect(lines.join('')).not.toContain('SECRET-VALUE')
  })

  it('writes errors with their code and cause, without the row that PostgreSQL names', () => {
    const { logger, read, lines } = openLog()
    const cause = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (caller_number)=(+12125550100) already exists.',
    })
    logger.error('settle.failed', { error: new Error('could not settle', { cause }) })
    expect(read()[0]).toMatchObject({
      error: {
        name: 'Error',
        message: 'could not settle',
        cause: { message: 'duplicate key', code: '23505' },
      },
    })
    expect(lines.join('')).not.toContain('+12125550100')
  })
})
