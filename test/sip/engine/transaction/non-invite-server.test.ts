import { expect, it } from 'vitest'
import {
  INITIAL,
  type Input,
  step,
} from '../../../../src/sip/engine/transaction/non-invite-server.ts'
import { play, TCP, UDP } from './play.ts'

const again: Input = { type: 'retransmission' }
const timerJ: Input = { type: 'timer', timer: 'J' }
const respond = (status: number): Input => ({ type: 'respond', status })

it.each([
  { name: 'has nothing to repeat before the first response', inputs: [again], effects: [[]] },
  {
    name: 'repeats the last response until timer J (RFC 3261 §17.2.2)',
    inputs: [respond(183), again, respond(200), again, respond(500), timerJ, again],
    effects: [
      ['send_response'],
      ['send_response'],
      ['send_response', 'J 32000'],
      ['send_response'],
      [],
      [],
      [],
    ],
  },
])('$name', ({ inputs, effects }) => {
  expect(play(step, INITIAL, inputs, UDP).effects).toEqual(effects)
})

it('forgets the request at once over TCP', () => {
  expect(play(step, INITIAL, [respond(200)], TCP).effects).toEqual([['send_response', 'J 0']])
})
