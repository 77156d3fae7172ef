import type { Socket } from 'node:net'

/** Waits until a socket is closed, by an orderly end or by a reset. */
export function untilClosed(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.on('error', () => undefined)
  socket.once('close', () => {
    resolve()
  })
  return promise
}
