import type { Application } from '../control/applications.ts'
import { cancelOrHold } from './application-cancel.ts'
import { respondWith } from './own-answer.ts'
import { endDialog, hangUp } from './hang-up.ts'
import type { Core } from './state.ts'

/**
 * Cleans up after an application whose connection has ended, where drachtio-server leaves
 * everybody waiting: callers hear 503 and may try elsewhere, phones stop ringing, and calls that
 * are up are hung up after a time of grace.
 */
export function applicationGone(core: Core, application: Application): void {
  core.counters.applicationsGone++
  for (const pending of core.serverRequests.values()) {
    if (pending.application !== application || pending.final !== undefined) continue
    const { method } = pending.request
    if (method === 'INVITE') respondWith(core, pending, 503, [['Retry-After', '1']])
    else respondWith(core, pending, method === 'BYE' ? 200 : 500)
  }
  for (const invitation of core.invitations.values()) {
    if (invitation.application !== application) continue
    invitation.abandoned = true
    if (invitation.phase === 'calling' || invitation.phase === 'proceeding')
      cancelOrHold(core, invitation, [])
  }
  core.wheel.start(core.settings.graceMs, () => {
    hangUpAll(core, application)
  })
}

function hangUpAll(core: Core, application: Application): void {
  for (const dialog of core.dialogs.values()) {
    if (dialog.application !== application || dialog.phase !== 'confirmed') continue
    if (dialog.expiry) endDialog(core, dialog)
    else hangUp(core, dialog, { text: 'Application gone', cause: 503, tell: false })
  }
}
