import type { HeaderField } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { composeResponse, type HeaderLine, reasonPhrase } from '../message/serialise.ts'
import { responsePort, type Via } from '../message/via.ts'
import { defaultPort } from '../transport/resolve.ts'
import type { Hop, Listener } from '../transport/transport.ts'
import { statelessTag } from './identifiers.ts'
import type { Core } from './state.ts'

/** Where a request came in. */
export interface Arrival {
  readonly from: Hop
  readonly listener: Listener
}

/**
 * Where the response to a request goes: over a stream to the connection the request came on, and
 * to the port in the Via should that be closed by then. @see RFC 3261 §18.2.2
 */
export function responseHop(via: Via, from: Hop): Hop {
  const isStream = from.connectionId !== undefined
  const port = isStream ? (via.port ?? defaultPort(from.transport)) : responsePort(via, from.port)
  return port === from.port ? from : { ...from, port }
}

/** An answer that needs no transaction. */
export interface StatelessAnswer {
  readonly status: number
  readonly reason?: string
  readonly headers?: readonly HeaderLine[]
  /** One that follows from the request unless given. */
  readonly toTag?: string
  readonly body?: string
}

/**
 * Answers a request and forgets it: every copy of it gets the same answer, so that refusing costs
 * no memory. An ACK to it finds no transaction and is dropped. @see RFC 3261 §8.2.7
 */
export function answerStatelessly(
  core: Core,
  request: Pick<SipRequest, 'headers' | 'via'>,
  arrival: Arrival,
  answer: StatelessAnswer,
): void {
  core.counters.requestsRefused++
  const { status, reason = reasonPhrase(status), headers = [], body = '' } = answer
  const text = composeResponse(request, {
    status,
    reason,
    toTag: answer.toTag ?? statelessTag(identityOf(request.headers)),
    recordRoute: false,
    headers,
    body,
  })
  arrival.listener.send(text, responseHop(request.via, arrival.from))
}

function identityOf(headers: readonly HeaderField[]): string {
  let identity = ''
  for (const { key, value } of headers)
    if (key === 'call-id' || key === 'from' || key === 'cseq') identity += value
  return identity
}
