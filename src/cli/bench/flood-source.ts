/**
 * A stranger who sends INVITEs as fast as it is told, acknowledges nothing and calls from an address that no
 * trunk has. In a process of its own, so that its work does not delay what is measured.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Who is flooded, and how many INVITEs a second. */
export interface FloodSettings {
  readonly host: string
  readonly port: number
  readonly rate: number
}

/** What became of the flood. */
export interface FloodCount {
  readonly sent: number
  /** Final responses by status. */
  readonly answers: Readonly<Record<string, number>>
}

/** A flood that goes on until it is stopped. */
export interface Flood {
  /** Resolves with what was sent up to now; safe to call once. */
  readonly stop: () => Promise<FloodCount>
}

/** One of the loopback addresses that Linux has without asking; elsewhere it has to be configured. */
const STRANGER = '127.0.0.9'
const TICK_MS = 5

/** Starts the flood; it is on its way when this resolves. @throws if its process ends */
export async function startFlood(settings: FloodSettings): Promise<Flood> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(settings)], { execArgv: [] })
  await messageOf(child)
  return {
    async stop() {
      const counted = messageOf(child)
      child.send('stop')
      const count = (await counted) as FloodCount
      child.disconnect()
      return count
    },
  }
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the flood has ended with ${String(code)}`)
  })
  const [message] = (await Promise.race([once(child, 'message'), exited])) as [unknown]
  exited.catch(() => {})
  return message
}

async function flood({ host, port, rate }: FloodSettings): Promise<() => FloodCount> {
  const socket = createSocket('udp4')
  socket.bind(0, STRANGER)
  await once(socket, 'listening')
  const answers: Record<string, number> = {}
  socket.on('message', (bytes) => {
    const status = /^SIP\/2\.0 ([2-6]\d\d)/.exec(bytes.toString('latin1', 0, 16))?.[1]
    if (status !== undefined) answers[status] = (answers[status] ?? 0) + 1
  })
  const own = `${STRANGER}:${socket.address().port}`
  const startMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1_000) * rate
    for (; sent < due; sent++) socket.send(anInvite(own, sent), port, host)
  }, TICK_MS)
  return () => {
    clearInterval(timer)
    socket.close()
    return { sent, answers }
  }
}

const anInvite = (own: string, call: number): string =>
  [
    'INVITE sip:+19005550100@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP ${own};branch=z9hG4bK-flood-${call}`,
    'Max-Forwards: 70',
    `From: <sip:x@${own}>;tag=${call}`,
    'To: <sip:+19005550100@127.0.0.1>',
    `Call-ID: flood-${call}@${own}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:x@${own}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

if (import.meta.main) {
  const stop = await flood(JSON.parse(process.argv[2] ?? '{}') as FloodSettings)
  process.once('message', () => process.send?.(stop()))
  // Without whoever started it, it would flood for ever.
  process.once('disconnect', () => process.exit(0))
  process.send?.('started')
}
