import type { SipResponse } from '../message/message.ts'
import type { Hop } from '../transport/transport.ts'
import { closeEarly } from './early-dialog.ts'
import { deliverResponse } from './send.ts'
import { type Core, type Invitation, recordCall } from './state.ts'

/** Ends an INVITE whose call, or whose change of a call, does not come about, with its final response. */
export function conclude(
  core: Core,
  invitation: Invitation,
  response: SipResponse,
  from: Hop,
): void {
  invitation.phase = 'failed'
  invitation.deadline?.cancel()
  closeEarly(core, invitation)
  if (!invitation.abandoned) deliverResponse(invitation, response, from)
  const end = response.status === 487 ? 'call-canceled' : 'call-rejected'
  if (!invitation.dialog) recordCall(core, 'stop', 'network', end, response.text)
  invitation.onFinal?.(response)
}
