import { BRIDGE_CASES } from './cases/bridge.ts'
import { BRIDGE_EARLY_CASES } from './cases/bridge-early.ts'
import { BRIDGE_OPTION_CASES } from './cases/bridge-options.ts'
import { CONTROL_CASES } from './cases/control.ts'
import { DIALOG_CASES } from './cases/dialog.ts'
import { DIALOG_OPTION_CASES, UAS_OPTION_CASES } from './cases/dialog-options.ts'
import { EDGE_CASES } from './cases/edges.ts'
import { FRAME_CASES } from './cases/frames.ts'
import { INCOMING_CASES } from './cases/incoming.ts'
import { LOSS_CASES } from './cases/losses.ts'
import { OUTGOING_CASES } from './cases/outgoing.ts'
import { RECORD_CASES } from './cases/records.ts'
import { REFUSAL_CASES } from './cases/refusals.ts'
import { SESSION_TIMER_CASES } from './cases/session-timers.ts'
import { TRANSPORT_CASES } from './cases/transports.ts'
import { UAC_OPTION_CASES } from './cases/uac-options.ts'
import type { Case } from './subject.ts'

/** Everything that is asked of a server that drachtio-srf talks to, by what it is about. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  'control protocol': CONTROL_CASES,
  'frames and refusals': FRAME_CASES,
  'calls that come in': INCOMING_CASES,
  'calls that go out': OUTGOING_CASES,
  'inside a dialog': DIALOG_CASES,
  bridge: BRIDGE_CASES,
  'options of a bridge': BRIDGE_OPTION_CASES,
  'a bridge before its answer': BRIDGE_EARLY_CASES,
  'options of a call that goes out': UAC_OPTION_CASES,
  'options of a call that comes in': UAS_OPTION_CASES,
  'options of a dialog': DIALOG_OPTION_CASES,
  refusals: REFUSAL_CASES,
  'session timers': SESSION_TIMER_CASES,
  'records of calls': RECORD_CASES,
  'edges of a call': EDGE_CASES,
  transports: TRANSPORT_CASES,
  'lost messages': LOSS_CASES,
}
