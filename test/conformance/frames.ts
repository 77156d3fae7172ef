import { once } from 'node:events'
import { connect } from 'node:net'
import { frame } from '../../src/sip/engine/control/framing.ts'
import { eventually } from '../sip/engine/support/eventually.ts'

/** What a server said about one message of the application. */
export interface Verdict {
  /** `OK`, `NO` or `NOK` and what follows it, split at the bars. */
  readonly words: readonly string[]
  /** The SIP message that came with it; empty without one. */
  readonly text: string
}

/** An application that writes drachtio's control protocol by hand. */
export interface Frames {
  /** Sends one frame of the given words and waits for what the server says about it. */
  readonly ask: (words: string, text?: string) => Promise<Verdict>
  /** Whether a frame with a SIP message that begins so has come. */
  readonly has: (start: string) => boolean
  /** Waits for a record of a call of this type, and takes it. */
  readonly recorded: (type: string) => Promise<Verdict>
  /** Sends bytes as they are. */
  readonly write: (bytes: string) => void
  /** Waits for a frame with a SIP message that begins so, and takes it: words and message. */
  readonly delivered: (start: string) => Promise<Verdict>
  /** Waits until the server has ended the connection. */
  readonly closed: () => Promise<void>
  readonly close: () => void
}

/** Connects to a control port; it has not shown the secret then. */
export async function openFrames(admin: { host: string; port: number }): Promise<Frames> {
  const socket = connect(admin)
  const inbox: string[] = []
  let rest = Buffer.alloc(0)
  let isClosed = false
  let lastId = 0
  socket.on('data', (bytes) => {
    rest = readFrames(Buffer.concat([rest, bytes]), inbox)
  })
  socket.on('error', () => undefined)
  socket.on('close', () => (isClosed = true))
  await once(socket, 'connect')
  const take = async (fits: (payload: string) => boolean, what: string): Promise<Verdict> => {
    const found = await eventually(
      () => inbox.find(fits),
      () => `no ${what}; got ${inbox.join('\n')}`,
    )
    inbox.splice(inbox.indexOf(found), 1)
    return split(found)
  }
  return {
    ask: async (words, text) => {
      lastId++
      const id = `message-${lastId}`
      socket.write(frame(`${id}|${words}${text === undefined ? '' : `\r\n${text}`}`))
      const { words: all, text: sent } = await take(
        (payload) => payload.split('|')[2] === id,
        `answer to ${words}`,
      )
      return { words: all.slice(3), text: sent }
    },
    write: (bytes) => socket.write(bytes, 'latin1'),
    delivered: (start) => take((payload) => isDelivery(payload, start), `frame with ${start}`),
    has: (start) => inbox.some((payload) => isDelivery(payload, start)),
    recorded: (type) => take((payload) => payload.split('|')[1] === type, `record ${type}`),
    closed: () =>
      eventually(
        () => isClosed,
        () => 'the connection stays open',
      ).then(() => undefined),
    close: () => socket.destroy(),
  }
}

const isDelivery = (payload: string, start: string): boolean =>
  payload.split('|')[1] === 'sip' && payload.includes(`\r\n${start}`)

/** Takes whole frames off the front; gives what is left. */
function readFrames(bytes: Buffer<ArrayBuffer>, inbox: string[]): Buffer<ArrayBuffer> {
  let rest = bytes
  for (;;) {
    const mark = rest.indexOf('#')
    const length = Number(rest.subarray(0, mark).toString('latin1'))
    if (mark === -1 || rest.length < mark + 1 + length) return rest
    inbox.push(rest.subarray(mark + 1, mark + 1 + length).toString('latin1'))
    rest = rest.subarray(mark + 1 + length)
  }
}

function split(payload: string): Verdict {
  const end = payload.indexOf('\r\n')
  const words = (end === -1 ? payload : payload.slice(0, end)).split('|')
  return { words, text: end === -1 ? '' : payload.slice(end + 2) }
}
