/**
 * A B2BUA of a few lines on drachtio-srf in a process of its own, as anybody would write one: every call
 * goes on to one buyer. It says when the server routes calls to it.
 */
import Srf from 'drachtio-srf'

/** Where the server is, and the buyer. */
export interface ApplicationSettings {
  readonly host: string
  readonly port: number
  readonly secret: string
  readonly buyer: string
}

/** The part of the library's dialog that is used; its own types are of another version. */
interface Dialog {
  readonly connected: boolean
  on(event: 'destroy', listener: () => void): void
  destroy(): Promise<unknown>
}

function runApplication({ buyer, ...server }: ApplicationSettings): void {
  const srf = new Srf()
  srf.on('error', () => {})
  srf.invite((request, response) => {
    srf
      .createB2BUA(request, response, buyer, { localSdpB: request.body })
      .then(({ uas, uac }) => couple(uas as unknown as Dialog, uac as unknown as Dialog))
      .catch(() => {}) // the library has answered the caller already
  })
  srf.on('connect', () => whenRouted(srf, () => process.send?.({ isReady: true })))
  void srf.connect(server)
}

function couple(uas: Dialog, uac: Dialog): void {
  const end = (dialog: Dialog) => void dialog.destroy().catch(() => {}) // it is over in any case
  uas.on('destroy', () => end(uac))
  uac.on('destroy', () => end(uas))
  // A BYE may have come in while the other dialog was being made.
  if (!uas.connected) end(uac)
  else if (!uac.connected) end(uas)
}

/** The library tells its routes when it is let in: one refused request later the server has them. */
function whenRouted(srf: Srf, done: () => void): void {
  const client = srf as unknown as {
    request(uri: string, options: object, callback: () => void): void
  }
  const untyped = { method: 'OPTIONS', body: 'a body of no type' }
  client.request('sip:nobody@127.0.0.1', untyped, done)
}

if (import.meta.main) {
  process.once('disconnect', () => process.exit(1))
  runApplication(JSON.parse(process.argv[2] ?? '{}') as ApplicationSettings)
}
