/**
 * The peer of the calls bench, a process of its own: a B2BUA of a few lines on drachtio-srf and the same
 * SIP engine, without database, tracking URLs or money; it pings from memory if it is told where. Says on
 * standard output where it takes calls.
 */
import { randomUUID } from 'node:crypto'
import Srf from 'drachtio-srf'
import { startEngine } from '../../sip/engine/engine.ts'

const SECRET = 'bench'

/**
 * Sends every call on to `buyer` until the process is ended.
 * @param pingUrl is requested when a call is answered, once and whatever becomes of it; nothing if undefined
 */
async function runPeer(buyer: string, pingUrl: string | undefined): Promise<void> {
  const engine = await startEngine({
    sip: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    admin: { host: '127.0.0.1', port: 0 },
    secret: SECRET,
  })
  const srf = new Srf()
  srf.on('error', () => {})
  srf.invite((request, response) => {
    const callUuid = randomUUID()
    const headers = { 'X-PH-RetreaverUUID': callUuid }
    srf
      .createB2BUA(request, response, buyer, { localSdpB: request.body, headers })
      .then(({ uas, uac }) => {
        uas.on('destroy', () => uac.destroy())
        uac.on('destroy', () => uas.destroy())
        if (pingUrl !== undefined) void ping(`${pingUrl}/?id=${callUuid}`)
      })
      .catch(() => {}) // the client has answered the caller already
  })
  srf.on('connect', () => process.stdout.write(`SIP udp/127.0.0.1:${engine.sip[0]?.port ?? 0}\n`))
  await srf.connect({ ...engine.admin, secret: SECRET })
}

async function ping(url: string): Promise<void> {
  await fetch(url, { method: 'HEAD' }).catch(() => {}) // a ping that is lost is lost
}

if (import.meta.main) await runPeer(process.argv[2] ?? '', process.argv[3])
