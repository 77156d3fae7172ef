import { type Hop, hopKey, type Listener } from '../transport/transport.ts'
import type { Core } from './state.ts'

/**
 * Whether a connection is that of a dialog, or of an INVITE that waits for its answer. Looks through all
 * of them: not to be asked for each message.
 */
export function isConnectionInUse(core: Core, hop: Hop, listener: Listener): boolean {
  const key = hopKey(hop)
  const isIt = (other: Hop | undefined): boolean =>
    other !== undefined &&
    (other.connectionId === undefined
      ? hopKey(other) === key
      : other.connectionId === hop.connectionId)
  for (const dialog of core.dialogs.values())
    if (dialog.listener === listener && isIt(dialog.flow)) return true
  for (const { transaction } of core.serverRequests.values())
    if (transaction.listener === listener && isIt(transaction.hop)) return true
  for (const { sent, transaction } of core.invitations.values())
    if (sent.listener === listener && isIt(transaction?.hop)) return true
  return false
}
