import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { AppError } from '../../domain/app-error.ts'
import type { Address } from '../engine-rig/engine.ts'
import { buildHostile, buildRequest, createDice } from './damage.ts'

/** Strangers who send what they please, from loopback addresses of their own. */
export interface Hostile {
  readonly sent: () => number
  readonly close: () => Promise<unknown>
}

/** Where they send from. */
export const STRANGERS = ['127.0.0.2', '127.0.0.3'] as const

const TICK_MS = 50
/** Below what every source may send, so that nothing of it is dropped unread: 40 a second. */
const DAMAGED_PER_TICK = 2
/** A flood of new calls, ten seconds out of twenty, so that its sender is banned and forgiven. */
const FLOOD_PER_TICK = 25
const FLOOD_TICKS = 10_000 / TICK_MS

/** Begins to send: damaged and odd packets from one of them, a flood of calls from the other. */
export async function startHostile(target: Address, seed: number): Promise<Hostile> {
  const dice = createDice(seed)
  const [first, second] = STRANGERS
  const [vandal, flooder] = await Promise.all([open(first), open(second)])
  let sent = 0
  let ticks = 0
  const send = ({ socket }: Stranger, text: string): void => {
    sent++
    socket.send(Buffer.from(text, 'latin1'), target.port, target.host, () => {})
  }
  const tick = (): void => {
    ticks++
    for (let count = 0; count < DAMAGED_PER_TICK; count++)
      send(vandal, buildHostile(dice, vandal.host, sent))
    if (Math.floor(ticks / FLOOD_TICKS) % 2 === 1) return
    for (let count = 0; count < FLOOD_PER_TICK; count++)
      send(flooder, buildRequest(flooder.host, sent))
  }
  const timer = setInterval(tick, TICK_MS)
  let closed: Promise<unknown> | undefined
  return {
    sent: () => sent,
    close() {
      clearInterval(timer)
      return (closed ??= Promise.all([close(vandal.socket), close(flooder.socket)]))
    },
  }
}

interface Stranger {
  readonly socket: Socket
  /** As it stands in its messages. */
  readonly host: string
}

/** What it is answered it does not read. */
async function open(address: string): Promise<Stranger> {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  try {
    await once(socket, 'listening')
  } catch (cause) {
    const hint = `Strangers send from ${address}, which is not an address of this machine: add it to its loopback.`
    throw new AppError('invalid_configuration', hint, { cause })
  }
  socket.on('error', () => {})
  return { socket, host: `${address}:${socket.address().port}` }
}

async function close(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.close(resolve)
  await promise
}
