import { BAD_INPUT, BEHAVIOURS } from './rows/behaviours.ts'
import { MID_CALL, SET_UP } from './rows/calls.ts'
import { OUTCOMES } from './rows/outcomes.ts'
import type { Row } from './rows/row.ts'

/** All rows, by the heading of their table. */
export const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'What a buyer answers': OUTCOMES,
  'Until a buyer answers': SET_UP,
  'While the call is up': MID_CALL,
  'What good back-to-back user agents get right': BEHAVIOURS,
  'Bad input': BAD_INPUT,
}
