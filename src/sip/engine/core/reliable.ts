import { randomInt } from 'node:crypto'
import { type HeaderField, headerValue, headerValues, listElements } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import type { HeaderLine } from '../message/serialise.ts'
import type { Split } from '../message/split.ts'
import { parseDigits } from '../message/uri.ts'
import { respondWith } from './own-answer.ts'
import { tellCancelled } from './cancel.ts'
import { repeatUntilAcknowledged } from './repeat.ts'
import type { Core, Reliable, ServerRequest, Waiting } from './state.ts'

/** First RSeq numbers stay far below 2^31. @see RFC 3262 §3 */
const FIRST_RSEQ_MAX = 1_000_000

/**
 * How a response to an INVITE goes out: a provisional one reliably if the application wants it so,
 * or if the caller requires it. Impossible if the caller cannot acknowledge it.
 *
 * @see RFC 3262 §3
 */
export function mannerOf(
  request: Pick<SipRequest, 'headers' | 'method'>,
  status: number,
  headers: readonly HeaderField[],
): 'plain' | 'reliable' | 'impossible' {
  if (request.method !== 'INVITE' || status <= 100 || status >= 200) return 'plain'
  if (names100rel(request.headers, 'require')) return 'reliable'
  if (!names100rel(headers, 'require')) return 'plain'
  return names100rel(request.headers, 'supported') ? 'reliable' : 'impossible'
}

function names100rel(headers: readonly HeaderField[], key: string): boolean {
  return listElements(headerValues(headers, key)).some(
    (option) => option.toLowerCase() === '100rel',
  )
}

/** The number of the next reliable response. */
export function nextRSeq(pending: ServerRequest): number {
  const reliable = reliableOf(pending)
  reliable.rseq += 1
  return reliable.rseq
}

/** The headers that make a provisional response a reliable one. */
export function reliableLines(rseq: number, { headers }: Split): readonly HeaderLine[] {
  const number: HeaderLine = ['RSeq', String(rseq)]
  return names100rel(headers, 'require') ? [number] : [['Require', '100rel'], number]
}

function reliableOf(pending: ServerRequest): Reliable {
  pending.reliable ??= { rseq: randomInt(1, FIRST_RSEQ_MAX), outstanding: undefined, waiting: [] }
  return pending.reliable
}

/** Sends now, or after the PRACK of the reliable response that is under way. */
export function sendInTurn({ reliable }: ServerRequest, response: Waiting): void {
  if (reliable?.outstanding) reliable.waiting.push(response)
  else response.send()
}

/**
 * Repeats a provisional response, which was sent once, until its PRACK arrives. Without one the
 * call fails with 500, and its application is told by a CANCEL.
 */
export function repeatUntilPrack(
  core: Core,
  pending: ServerRequest,
  { rseq, text }: { readonly rseq: number; readonly text: string },
): void {
  const { hop, listener } = pending.transaction
  const repetition = repeatUntilAcknowledged(core, {
    send: () => {
      listener.send(text, hop)
    },
    isRepeated: true,
    ceilingMs: Number.POSITIVE_INFINITY,
    onGiveUp: () => {
      tellCancelled(pending)
      respondWith(core, pending, 500)
    },
  })
  reliableOf(pending).outstanding = { rseq, repetition }
}

/** Takes a PRACK; undefined if it acknowledges nothing that waits for one. @see RFC 3262 §3 */
export function takePrack(
  core: Core,
  prack: SipRequest,
  inviteTxn: string | undefined,
): ServerRequest | undefined {
  const invite = core.serverRequests.get(inviteTxn ?? '')
  const outstanding = invite?.reliable?.outstanding
  const [rseq = '', cseq = ''] = (headerValue(prack.headers, 'rack') ?? '').split(/[ \t]+/)
  if (!invite?.reliable || outstanding?.rseq !== parseDigits(rseq, 10)) return undefined
  if (invite.request.cseq !== parseDigits(cseq, 10)) return undefined
  outstanding?.repetition.stop()
  invite.reliable.outstanding = undefined
  return invite
}

/** Sends what waited for a PRACK. */
export function sendNext({ reliable }: ServerRequest): void {
  if (!reliable) return
  for (let next = reliable.waiting.shift(); next; next = reliable.waiting.shift()) {
    next.send()
    if (reliable.outstanding) return
  }
}

/** Ends repeating: the call has come to its end. */
export function stopReliable({ reliable }: ServerRequest): void {
  if (!reliable) return
  reliable.outstanding?.repetition.stop()
  reliable.outstanding = undefined
  for (const { drop } of reliable.waiting.splice(0)) drop()
}
