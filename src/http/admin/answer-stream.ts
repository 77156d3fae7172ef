import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Logger } from '../../telemetry/logger.ts'

/** Writes a piece of an answer; resolves once there is room for the next. @throws once nobody reads any more */
export type Write = (text: string) => Promise<void>

/** Makes an answer, piece by piece. `gone` is aborted once nobody reads any more. */
export type Send = (write: Write, gone: AbortSignal) => Promise<void>

/** How a long answer is sent. */
export interface AnswerStreamOptions {
  readonly type: string
  /** How long a piece may be in coming. */
  readonly computingMaxMs: number
  /** How long the reader may take in nothing; 15 s unless said, as on every other connection. */
  readonly unreadMaxMs?: number
  readonly logger: Logger
}

const UNREAD_MAX_MS = 15_000

/**
 * Answers with what `send` writes, as it is written. Once the reader has gone or reads no more, the next
 * `write` throws, so that what `send` holds is let go. An error before the first piece is a problem like
 * any other; a later one is logged and cuts the answer off, so that it cannot be taken for whole.
 */
export function sendStream(
  reply: FastifyReply,
  send: Send,
  { type, computingMaxMs, unreadMaxMs = UNREAD_MAX_MS, logger }: AnswerStreamOptions,
): FastifyReply {
  const out = new PassThrough()
  const gone = new AbortController()
  out.once('close', () => gone.abort())
  // Nothing is sent while rows are computed, and a silent connection would be closed.
  reply.raw.setTimeout(computingMaxMs, () => reply.raw.destroy())
  // Waits for no event that has been already, and for none that may never be.
  const write: Write = async (text) => {
    gone.signal.throwIfAborted()
    if (out.write(text)) return
    const unread = setTimeout(() => gone.abort(), unreadMaxMs)
    await once(out, 'drain', { signal: gone.signal }).finally(() => clearTimeout(unread))
  }
  send(write, gone.signal).then(
    () => out.end(),
    (error: unknown) => {
      const isCutOff = reply.raw.headersSent && !gone.signal.aborted
      if (isCutOff) logger.error('http.failed', { request_id: reply.request.id, error })
      out.destroy(error instanceof Error ? error : new Error(String(error)))
    },
  )
  return reply.type(type).send(out)
}
