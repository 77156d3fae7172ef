import { headerValue } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseDigits } from '../message/uri.ts'
import type { Failure } from '../transaction/timers.ts'
import type { ClientTransaction, ClientUser } from '../transaction/transactions.ts'
import type { ClientRequest, Core, Way } from './state.ts'
import { findWays, reroute } from './ways.ts'

/** How long an address that has refused TCP is spared large requests over it. */
const WITHOUT_TCP_MS = 600_000

/** Who is overloaded for longer is asked again all the same. */
const RETRY_AFTER_SECONDS_MAX = 300

/**
 * Sends a request of ours through a transaction, after its host has been looked up if need be, and
 * if it is still wanted then. If nobody answers there, or only with 503, it goes to the next place that
 * the host has; its user hears of the last one.
 *
 * @see RFC 3263 §4.3
 */
export function startRequest(
  core: Core,
  client: ClientRequest,
  user: ClientUser,
  isWanted: () => boolean = () => true,
): void {
  findWays(core, client.sent, (ways) => {
    const [way, ...others] = ways
    if (way && isWanted()) {
      attempt({ core, client, user, isWanted }, way, others)
      return
    }
    user.onFailure(way ? 'cancelled' : 'transport_error')
    user.onEnd()
  })
}

interface Sending {
  readonly core: Core
  readonly client: ClientRequest
  readonly user: ClientUser
  readonly isWanted: () => boolean
}

function attempt(sending: Sending, way: Way, others: readonly Way[]): void {
  const { client, core, user } = sending
  const { hop, listener } = way
  if (listener !== client.sent.listener) client.sent = reroute(client.sent, listener)
  const { branch, method, text: request } = client.sent
  const [next] = others
  const isLast = next === undefined
  let transaction: ClientTransaction | undefined
  let isOver = false
  const goOn = (response?: SipResponse): void => {
    if (isLast) return
    isOver = true
    // What that place still sends would be acknowledged with the branch of the next.
    if (!response && transaction) core.transactions.abandon(transaction)
    const isForSize = hop.transport === 'tcp' && next.hop.transport === 'udp'
    core.resolver.avoid(hop, isForSize ? WITHOUT_TCP_MS : retryAfterMs(response))
    client.sent = reroute(client.sent, next.listener)
    user.onRetry?.()
    attempt(sending, next, others.slice(1))
  }
  transaction = core.transactions.createClient({
    branch,
    listener,
    method,
    request,
    hop,
    user: isLast ? user : userUntilLast(sending, goOn, () => isOver),
  })
  // The transaction reports while it is being made if it cannot even send.
  if (!isOver) client.transaction = transaction
}

/** The user of an attempt that is not the last: what another place may do better, it keeps to itself. */
function userUntilLast(
  { isWanted, user }: Sending,
  goOn: (response?: SipResponse) => void,
  isOver: () => boolean,
): ClientUser {
  let hasProgress = false
  return {
    onResponse: (response, from) => {
      if (isOver()) return
      if (response.status > 100 && response.status < 200) hasProgress = true
      if (response.status === 503 && !hasProgress && isWanted()) goOn(response)
      else user.onResponse(response, from)
    },
    onFailure: (failure) => {
      if (isOfTheWay(failure) && isWanted()) goOn()
      else user.onFailure(failure)
    },
    composeAck: user.composeAck,
    onEnd: () => {
      if (!isOver()) user.onEnd()
    },
  }
}

/** How long a place that answers 503 asks to be spared; undefined if it does not say. */
function retryAfterMs(response: SipResponse | undefined): number | undefined {
  const value = response && headerValue(response.headers, 'retry-after')
  const seconds = value === undefined ? undefined : parseDigits(/^\d*/.exec(value)?.[0] ?? '', 9)
  return seconds === undefined ? undefined : 1_000 * Math.min(seconds, RETRY_AFTER_SECONDS_MAX)
}

const isOfTheWay = (failure: Failure): boolean =>
  failure === 'timeout' || failure === 'transport_error'
