import type { Scenario } from './scenario.ts'
import { CALLS } from './scenarios/calls.ts'
import { FAILURES } from './scenarios/failures.ts'
import { MONEY } from './scenarios/money.ts'
import { REFUSALS } from './scenarios/refusals.ts'

/** Every scenario, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [...CALLS, ...FAILURES, ...REFUSALS, ...MONEY]
