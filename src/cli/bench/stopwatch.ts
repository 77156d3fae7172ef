import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { buildOk, buildRequest, callNumber, header } from './sip-text.ts'
import { DIALLED, type Subject } from './subject.ts'

/** What was noted about one call, in monotonic milliseconds. */
export interface TimedCall {
  readonly invitedAtMs: number
  /** When the buyer had the INVITE. */
  reachedAtMs?: number
  /** When the buyer sent its 200. */
  answeredAtMs?: number
  callUuid?: string
  isOver?: true
}

/** A caller and a buyer over bare UDP, who note when what arrives. */
export interface Stopwatch {
  readonly buyerPort: number
  /** Makes calls at a steady rate and waits until the last is over. @throws if some are never over */
  readonly run: (subject: Subject, rate: number, seconds: number) => Promise<readonly TimedCall[]>
  /** The same for a subject that may fail: waits at most some seconds for the last. */
  readonly attempt: Stopwatch['run']
  readonly close: () => void
}

const OVER_MS_MAX = 5_000
const POLL_MS = 10
const BUFFER_BYTES = 1 << 20

/** Opens the two sockets on free loopback ports. */
export async function openStopwatch(): Promise<Stopwatch> {
  const calls: TimedCall[] = []
  const caller = await openSocket()
  const buyer = await openSocket()
  buyer.on('message', (bytes, { address, port }) => {
    const nowMs = performance.now()
    const request = bytes.toString()
    if (request.startsWith('ACK')) return
    if (request.startsWith('INVITE')) noteArrival(calls, request, nowMs)
    buyer.send(buildOk(request, buyer.address().port), port, address)
  })
  caller.on('message', (bytes, { address, port }) => {
    for (const request of reactionsTo(calls, bytes.toString(), caller.address().port)) {
      caller.send(request, port, address)
    }
  })
  return {
    buyerPort: buyer.address().port,
    attempt: (subject, rate, seconds) => attempt({ calls, caller }, subject, { rate, seconds }),
    async run(subject, rate, seconds) {
      const made = await attempt({ calls, caller }, subject, { rate, seconds })
      const left = countLeft(made)
      if (left > 0) throw new Error(`${left} of ${made.length} calls failed`)
      return made
    },
    close() {
      caller.close()
      buyer.close()
    },
  }
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** The first copy counts; the answer follows at once. */
function noteArrival(calls: readonly TimedCall[], invite: string, nowMs: number): void {
  const call = calls[callNumber(invite) ?? -1]
  if (!call || call.reachedAtMs !== undefined) return
  call.reachedAtMs = nowMs
  call.answeredAtMs = performance.now()
  call.callUuid = header(invite, 'X-PH-RetreaverUUID')
}

/** What the caller sends back: ACK and BYE to an answer, nothing to the rest. */
function reactionsTo(
  calls: readonly TimedCall[],
  message: string,
  port: number,
): readonly string[] {
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(message)?.[1])
  const call = Number.parseInt(header(message, 'Call-ID'), 10)
  const timed = calls[call]
  if (!timed || !(status >= 200)) return []
  if (header(message, 'CSeq').endsWith('BYE')) {
    timed.isOver = true
    return []
  }
  if (status >= 300) return [] // such a call is never over, and the run says so
  const target = /<([^>]+)>/.exec(header(message, 'Contact'))?.[1] ?? ''
  const dialog = { call, port, target, to: header(message, 'To') }
  return [buildRequest({ ...dialog, method: 'ACK' }), buildRequest({ ...dialog, method: 'BYE' })]
}

async function attempt(
  { calls, caller }: { readonly calls: TimedCall[]; readonly caller: Socket },
  { sip }: Subject,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<readonly TimedCall[]> {
  const first = calls.length
  const target = `sip:${DIALLED}@${sip.host}:${sip.port}`
  const { port } = caller.address()
  const startMs = performance.now()
  for (let index = 0; index < rate * seconds; index++) {
    const dueMs = startMs + (index * 1_000) / rate
    const waitMs = dueMs - performance.now()
    if (waitMs > 0) await delay(waitMs)
    const call = calls.length
    const invite = buildRequest({ method: 'INVITE', call, port, target, to: `<${target}>` })
    calls.push({ invitedAtMs: performance.now() })
    caller.send(invite, sip.port, sip.host)
  }
  const made = calls.slice(first)
  await untilOver(made)
  return made
}

async function untilOver(made: readonly TimedCall[]): Promise<void> {
  const deadlineMs = performance.now() + OVER_MS_MAX
  while (countLeft(made) > 0 && performance.now() < deadlineMs) await delay(POLL_MS)
}

const countLeft = (made: readonly TimedCall[]): number =>
  made.filter(({ isOver }) => isOver !== true).length
