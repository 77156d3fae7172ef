import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Logger } from '../../telemetry/logger.ts'
import { goneOf } from '../gone.ts'

/** Writes a piece of an answer; resolves once there is room for the next. @throws once nobody reads any more */
export type Write = (text: string) => Promise<void>

/** Makes an answer, piece by piece. `gone` is aborted once nobody reads any more. */
export type Send = (write: Write, gone: AbortSignal) => Promise<void>

/** How a long answer is sent. */
export interface AnswerStreamOptions {
  readonly type: string
  /** How long a piece may be in coming. */
  readonly computingMaxMs: number
  /** How long the reader may take in nothing while there is no room: 25 s unless said. */
  readonly unreadMaxMs?: number
  readonly logger: Logger
}

/**
 * Node waits once more where the reader had begun to take what was sent last, and the database lets a transaction
 * idle for a minute. Who reads without a break is not heard all the time, since the system makes room by the
 * megabyte: on the loopback interface every 6 s at 1 MB/s, and every 17 s at 300 kB/s.
 */
const UNREAD_MAX_MS = 25_000
/** So much waits for its reader in memory, and most answers are smaller: what made them is let go. */
const AHEAD_BYTES = 1024 * 1024

/**
 * Answers with what `send` writes, as it is written. Once the reader has gone or reads no more, `gone` is
 * aborted and `write` throws, so that what `send` holds is let go. An error before the first piece is a problem
 * like any other; a later one is logged and cuts the answer off, so that it cannot be taken for whole.
 */
export function sendStream(
  reply: FastifyReply,
  send: Send,
  { type, computingMaxMs, unreadMaxMs = UNREAD_MAX_MS, logger }: AnswerStreamOptions,
): FastifyReply {
  const gone = goneOf(reply)
  const room = new EventEmitter()
  const out = new Readable({ highWaterMark: AHEAD_BYTES, read: () => room.emit('made') })
  // Nothing is sent while rows are computed, and a silent connection would be closed.
  reply.raw.setTimeout(computingMaxMs, () => reply.raw.destroy())
  const write: Write = async (text) => {
    gone.throwIfAborted()
    if (out.push(text)) return
    // Node takes a queue that gets shorter for a sign of life.
    reply.raw.setTimeout(unreadMaxMs)
    await once(room, 'made', { signal: gone })
    reply.raw.setTimeout(computingMaxMs)
  }
  send(write, gone).then(
    () => out.push(null),
    (error: unknown) => {
      const isCutOff = reply.raw.headersSent && !gone.aborted
      if (isCutOff) logger.error('http.failed', { request_id: reply.request.id, error })
      out.destroy(error instanceof Error ? error : new Error(String(error)))
    },
  )
  return reply.type(type).send(out)
}
