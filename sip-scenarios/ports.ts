import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** A UDP port that is held until somebody else needs it. */
export interface HeldPort {
  readonly port: number
  /** Datagrams that have come in while it was held. */
  received(): number
  /** Lets go of it, so that another process can take it. */
  release(): Promise<void>
}

/** Takes a free UDP port, so that no two scenarios are given the same one. */
export async function holdPort(localIp: string): Promise<HeldPort> {
  const socket = createSocket(familyOf(localIp))
  let received = 0
  socket.on('message', () => (received += 1))
  socket.bind(0, localIp)
  await once(socket, 'listening')
  const { port } = socket.address()
  return { port, received: () => received, release: onceOnly(() => close(socket)) }
}

const POLL_MS = 10
const BIND_MS_MAX = 15_000

/**
 * Settles when some process listens on the port, or when `over` does.
 * @throws Error if nobody does in time
 */
export async function untilPortTaken(
  localIp: string,
  port: number,
  over: Promise<unknown>,
): Promise<void> {
  const state = { isOver: false }
  void over.then(() => (state.isOver = true))
  const deadline = performance.now() + BIND_MS_MAX
  while (!state.isOver && !(await isTaken(localIp, port))) {
    if (performance.now() > deadline) throw new Error(`nobody took ${localIp}:${port}`)
    await delay(POLL_MS)
  }
}

/**
 * Linux says who listens. Elsewhere the port is tried, which may in theory be just when the other
 * process wants it.
 */
async function isTaken(localIp: string, port: number): Promise<boolean> {
  if (process.platform !== 'linux') return !(await canBind(localIp, port))
  const tables = await Promise.all(
    ['/proc/net/udp', '/proc/net/udp6'].map((table) => readFile(table, 'utf8').catch(() => '')),
  )
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return tables.some((table) => new RegExp(`^ *\\d+: [0-9A-F]+:${hex} `, 'm').test(table))
}

async function canBind(localIp: string, port: number): Promise<boolean> {
  const socket = createSocket(familyOf(localIp))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('error', () => resolve(false))
  socket.bind({ port, address: localIp, exclusive: true }, () => resolve(true))
  const isFree = await promise
  await close(socket)
  return isFree
}

const familyOf = (localIp: string) => (localIp.includes(':') ? 'udp6' : 'udp4')

async function close(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.close(() => resolve())
  await promise
}

function onceOnly(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
