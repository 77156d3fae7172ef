import { connect, type Socket } from 'node:net'
import { waitFor } from '../../support/wait.ts'

/** A TCP connection that says exactly what it is told to say. */
export interface RawConnection {
  readonly socket: Socket
  /** Everything that has come back. */
  readonly received: () => string
  readonly send: (text: string) => void
  /** Waits for the other side to close; what came back. */
  readonly closed: (deadlineMs?: number) => Promise<string>
}

export function openRaw(port: number): RawConnection {
  const socket = connect({ port, host: '127.0.0.1' })
  const chunks: Buffer[] = []
  let isClosed = false
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {}) // a reset is one way of being closed
  socket.on('close', () => {
    isClosed = true
  })
  const received = () => Buffer.concat(chunks).toString('latin1')
  return {
    socket,
    received,
    send: (text) => void socket.write(text, 'latin1'),
    closed: async (deadlineMs = 5_000) => {
      await waitFor(() => isClosed, { what: 'the server to close the connection', deadlineMs })
      return received()
    },
  }
}

/** Sends this and nothing else, and gives what comes back until the server closes. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const connection = openRaw(port)
  connection.send(text)
  return connection.closed()
}

/** The status codes of responses, in order. */
export const statusesOf = (text: string): readonly number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
