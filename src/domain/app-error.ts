/** What kind of failure an `AppError` is; programs decide by it, people read the message. */
export type AppErrorCode =
  | 'invalid_configuration'
  | 'database_unreachable'
  | 'database_unsupported'
  | 'port_in_use'
  | 'drachtio_unreachable'
  | 'missing_program'
  | 'not_found'
  | 'unauthorised'
  | 'conflict'
  | 'search_too_slow'
  | 'too_many_searches'

/**
 * A failure of the world that a person will read: `message` says in one sentence what is wrong and
 * what to do. `cause` keeps what was seen; outcomes that are supposed to happen are returned, not
 * thrown.
 */
export class AppError extends Error {
  readonly code: AppErrorCode

  constructor(code: AppErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}
