import { BAD_INPUT_MUTANTS } from './bad-input.ts'
import { BEHAVIOUR_MUTANTS } from './behaviours.ts'
import { CALL_MUTANTS } from './calls.ts'
import type { Mutant } from './mutant.ts'
import { OUTCOME_MUTANTS } from './outcomes.ts'

/** All of them, in the order in which `npm run mutants` tries them. */
export const MUTANTS: readonly Mutant[] = [
  ...OUTCOME_MUTANTS,
  ...CALL_MUTANTS,
  ...BEHAVIOUR_MUTANTS,
  ...BAD_INPUT_MUTANTS,
]
