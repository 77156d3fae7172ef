import { BRIDGE_CASES } from './cases/bridge.ts'
import { CONTROL_CASES } from './cases/control.ts'
import { DIALOG_CASES } from './cases/dialog.ts'
import { INCOMING_CASES } from './cases/incoming.ts'
import { OUTGOING_CASES } from './cases/outgoing.ts'
import { REFUSAL_CASES } from './cases/refusals.ts'
import type { Case } from './subject.ts'

/** Everything that is asked of a server that drachtio-srf talks to, by what it is about. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  'control protocol': CONTROL_CASES,
  'calls that come in': INCOMING_CASES,
  'calls that go out': OUTGOING_CASES,
  'inside a dialog': DIALOG_CASES,
  bridge: BRIDGE_CASES,
  refusals: REFUSAL_CASES,
}
