import { describe, expect, it } from 'vitest'
import { INITIAL, type Input, step } from '../../../../src/sip/engine/transaction/invite-server.ts'
import { play, TCP, UDP } from './play.ts'

const respond = (status: number): Input => ({ type: 'respond', status })
const timer = (name: 'G' | 'H' | 'I' | 'L'): Input => ({ type: 'timer', timer: name })
const again: Input = { type: 'retransmission' }
const ack: Input = { type: 'ack' }

describe('INVITE server transaction (RFC 3261 §17.2.1, RFC 6026)', () => {
  it('doubles timer G up to T2 until the ACK arrives', () => {
    const g = timer('G')
    const { effects, state } = play(step, INITIAL, [respond(486), g, g, g, g, g, ack], UDP)
    expect(effects).toEqual([
      ['send_response', 'H 32000', 'G 500'],
      ['send_response', 'G 1000'],
      ['send_response', 'G 2000'],
      ['send_response', 'G 4000'],
      ['send_response', 'G 4000'],
      ['send_response', 'G 4000'],
      ['I 5000'],
    ])
    expect(state).toEqual({ name: 'confirmed' })
  })

  it.each([
    { name: 'has nothing to repeat before the first response', inputs: [again], effects: [[]] },
    {
      name: 'repeats the last provisional response',
      inputs: [respond(100), again, respond(180), again],
      effects: [['send_response'], ['send_response'], ['send_response'], ['send_response']],
    },
    {
      name: 'repeats a failure, but not after its ACK',
      inputs: [respond(404), again, ack, again, timer('I')],
      effects: [['send_response', 'H 32000', 'G 500'], ['send_response'], ['I 5000'], [], []],
    },
    {
      name: 'absorbs retransmissions and leaves ACKs to the dialog after a 2xx',
      inputs: [respond(200), again, ack, timer('L')],
      effects: [['send_response', 'L 32000'], [], [], []],
    },
    {
      name: 'ends when nobody acknowledges its failure',
      inputs: [respond(404), timer('H')],
      effects: [['send_response', 'H 32000', 'G 500'], []],
    },
    {
      name: 'sends one final response only',
      inputs: [respond(404), respond(200)],
      effects: [['send_response', 'H 32000', 'G 500'], []],
    },
  ])('$name', ({ inputs, effects }) => {
    expect(play(step, INITIAL, inputs, UDP).effects).toEqual(effects)
  })

  it('neither repeats nor lingers over TCP', () => {
    const { effects } = play(step, INITIAL, [respond(404), ack], TCP)
    expect(effects).toEqual([['send_response', 'H 32000'], ['I 0']])
  })
})
