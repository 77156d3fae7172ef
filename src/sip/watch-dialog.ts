import { withCredentials } from './dialog-credentials.ts'
import { guarded, guardHandling, requestIn } from './dialog-requests.ts'
import { inBackground } from './in-background.ts'
import type { Client, Dialog, DialogEnd, RawDialog, SipMessage, UacOptions } from './srf.ts'

/** A dialog of the client, watched from now on: how it ends is known whenever anybody asks. */
export function watchDialog(
  raw: RawDialog,
  { srf, lost, onFailure }: Client,
  auth?: UacOptions['auth'],
): Dialog {
  const ended = new Promise<DialogEnd>((resolve) => {
    const end = (dialogEnd: DialogEnd) => {
      lost.off('lost', onLost)
      resolve(dialogEnd)
    }
    const onLost = (heardAtMs: number) => {
      srf.removeDialog(raw)
      end({ by: 'server', reason: undefined, heardAtMs })
    }
    lost.on('lost', onLost)
    raw.once('destroy', (bye?: SipMessage) => end({ by: 'peer', reason: bye?.get('Reason') }))
    raw.once('hung up', () => end({ by: 'us', reason: undefined }))
  })
  guardHandling(raw)
  const request = withCredentials(requestIn(raw, lost), raw.remote.uri, auth)
  return {
    ended,
    hangUp(headers) {
      if (!raw.connected) return
      raw.emit('hung up')
      raw.connected = false
      const forget = () => {
        srf.removeDialog(raw)
        raw.removeAllListeners()
      }
      inBackground(() => request('BYE', { headers }).finally(forget), onFailure)
    },
    request,
    onRequest: (method, handler) => raw.on(method, guarded(handler, onFailure)),
    onAck(handler) {
      raw.once('ack', (ack: SipMessage) => inBackground(() => handler(ack), onFailure))
    },
  }
}
