import { randomBytes } from 'node:crypto'
import { startEngine } from '../../sip/engine/engine.ts'
import {
  connectSipClient,
  type Dialog,
  type SipClient,
  type SipRequest,
  type SipResponse,
  type UasOutcome,
} from '../../sip/srf.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'

/** A call that has reached the buyer's phone, which answers by itself. */
export interface IncomingCall {
  readonly header: (name: string) => string | undefined
  readonly answered: Promise<Dialog>
}

/** The two people of the demo, on a SIP engine of their own. */
export interface Phones {
  /** Where the buyer is reached. */
  readonly buyerEndpoint: string
  readonly incoming: Mailbox<IncomingCall>
  /** Calls from `from` and settles when the other side has answered. */
  readonly dial: (to: string, from: string) => Promise<Dialog>
  readonly close: () => Promise<void>
}

/** Starts the phones on a free UDP port; they speak real SIP over loopback. */
export async function startPhones(): Promise<Phones> {
  const secret = randomBytes(16).toString('hex')
  const engine = await startEngine({
    sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0 },
    secret,
  })
  const incoming = createMailbox<IncomingCall>()
  const client = await connect({ ...engine.admin, secret }, (request, response) => {
    response.send(180)
    const answered = client.createUas(request, response, { body: sdp() }).then(readAnswered)
    answered.catch(() => {}) // the caller may have hung up; whoever waits for the answer is told
    incoming.put({ header: (name) => request.get(name), answered })
  })
  return {
    buyerEndpoint: `sip:buyer@127.0.0.1:${engine.sip[0]?.port ?? 0}`,
    incoming,
    dial: (to, from) => dial(client, to, from),
    close: async () => {
      client.disconnect()
      await engine.close()
    },
  }
}

async function connect(
  server: { readonly host: string; readonly port: number; readonly secret: string },
  onInvite: (request: SipRequest, response: SipResponse) => void,
): Promise<SipClient> {
  const connected = Promise.withResolvers<void>()
  const client = connectSipClient(server, {
    onRequest: { invite: onInvite },
    onConnect: () => connected.resolve(),
    onRefused: connected.reject,
    onError: connected.reject,
    onClose: () => {},
    onFailure: connected.reject,
  })
  await connected.promise
  return client
}

function readAnswered(outcome: UasOutcome): Dialog {
  if (outcome.kind === 'answered') return outcome.dialog
  throw new Error(`the answer came to nothing: ${outcome.kind}`)
}

async function dial(client: SipClient, to: string, from: string): Promise<Dialog> {
  const headers = { From: `<sip:${from}@localhost>` }
  const options = { uri: to, headers, body: sdp(), auth: undefined, proxy: undefined }
  const outcome = await client.createUac(options, () => {}).outcome
  if (outcome.kind === 'answered' && outcome.answer.kind === 'confirmed') {
    return outcome.answer.dialog
  }
  const seen = outcome.kind === 'failed' ? `status ${outcome.status}` : outcome.kind
  throw new Error(`the call was not answered: ${seen}`)
}

/** An offer or answer for audio that nobody sends. @see RFC 4566 */
function sdp(): string {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 9 RTP/AVP 0',
    'a=inactive',
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}
