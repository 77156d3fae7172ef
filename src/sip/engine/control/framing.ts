/**
 * The framing of drachtio's control protocol: `LEN#PAYLOAD`, LEN being the decimal number of bytes
 * of PAYLOAD. All text has one character a byte.
 */

/** Digits of the longest frame that an application may send: 99,999 bytes. */
const LENGTH_DIGITS_MAX = 5

/** Cuts a stream of bytes into frames, wherever the reads of the socket happen to split it. */
export interface FrameReader {
  /** The frames that the bytes complete, in order; undefined if the stream is no frames at all. */
  readonly push: (bytes: string) => readonly string[] | undefined
}

/** Makes a reader for one connection. After it returned undefined, the connection is to be closed. */
export function createFrameReader(): FrameReader {
  let pending = ''
  const push = (bytes: string): readonly string[] | undefined => {
    pending = pending === '' ? bytes : pending + bytes
    const frames: string[] = []
    let at = 0
    while (at < pending.length) {
      const head = readLength(pending, at)
      if (head === 'malformed') return undefined
      if (head === 'incomplete' || head.start + head.length > pending.length) break
      frames.push(pending.slice(head.start, head.start + head.length))
      at = head.start + head.length
    }
    pending = at === 0 ? pending : pending.slice(at)
    return frames
  }
  return { push }
}

function readLength(
  text: string,
  from: number,
): { readonly start: number; readonly length: number } | 'incomplete' | 'malformed' {
  let length = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x23) return at === from || length === 0 ? 'malformed' : { start: at + 1, length }
    if (code < 0x30 || code > 0x39 || at - from === LENGTH_DIGITS_MAX) return 'malformed'
    length = length * 10 + code - 0x30
  }
  return 'incomplete'
}

/** One frame, ready for the socket. */
export function frame(payload: string): string {
  return `${payload.length}#${payload}`
}
