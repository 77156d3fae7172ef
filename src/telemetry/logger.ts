import { type DestinationStream, pino, stdTimeFunctions } from 'pino'

/** Writes one line: what happened, in words joined by dots (`call.settled`), and its fields. */
export type Log = (event: string, fields: object) => void

export interface Logger {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LoggerOptions {
  readonly level: LogLevel
  /** Standard output unless said. */
  readonly destination?: DestinationStream
}

/** Fields whose values are never written, whoever logs them. @see behaviour B7 */
const NEVER_WRITTEN = [
  'key',
  'callKey',
  'call_key',
  'apiKey',
  'api_key',
  'adminApiKey',
  'secret',
  'password',
  'authorization',
  'callerNumber',
  'caller_number',
  'headers',
  'query',
  'body',
]

/**
 * Opens a log of JSON lines: `level`, `time` (ISO 8601), `pid`, `event` and the fields. Secrets and
 * callers' numbers are replaced by their field's name, one object deep; errors are written without
 * what PostgreSQL adds about rows, since a row may hold such values.
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    messageKey: 'event',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: describeError },
    redact: {
      paths: NEVER_WRITTEN.flatMap((name) => [name, `*.${name}`]),
      censor: '[not written]',
    },
  }
  const log = destination ? pino(options, destination) : pino(options)
  return {
    debug: (event, fields) => log.debug(fields, event),
    info: (event, fields) => log.info(fields, event),
    warn: (event, fields) => log.warn(fields, event),
    error: (event, fields) => log.error(fields, event),
  }
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  }
}
