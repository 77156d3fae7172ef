import type { Scenario } from './scenario.ts'
import { CALLS } from './scenarios/calls.ts'
import { FAILURES } from './scenarios/failures.ts'
import { MID_CALL } from './scenarios/mid-call.ts'
import { MONEY } from './scenarios/money.ts'
import { OUTCOMES } from './scenarios/outcomes.ts'
import { REFUSALS } from './scenarios/refusals.ts'
import { SETTING_UP } from './scenarios/setting-up.ts'
import { TRUNKS } from './scenarios/trunks.ts'

/** Every scenario, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  ...CALLS,
  ...MID_CALL,
  ...SETTING_UP,
  ...FAILURES,
  ...OUTCOMES,
  ...TRUNKS,
  ...REFUSALS,
  ...MONEY,
]
