import { describe, expect, it } from 'vitest'
import { begin, type Input, step } from '../../../../src/sip/engine/transaction/invite-client.ts'
import { inWords, play, TCP, UDP } from './play.ts'

const response = (status: number): Input => ({ type: 'response', status })
const timer = (name: 'A' | 'B' | 'C' | 'D' | 'M'): Input => ({ type: 'timer', timer: name })
const giveUp: Input = { type: 'give_up' }
const run = (inputs: readonly Input[], context = UDP): ReturnType<typeof play> =>
  play(step, begin(context)[0], inputs, context)

describe('INVITE client transaction (RFC 3261 §17.1.1, RFC 6026)', () => {
  it('begins by sending the request, over UDP with timer A', () => {
    expect(begin(UDP)[1].map(inWords)).toEqual(['send_request', 'A 500', 'B 32000'])
    expect(begin(TCP)[1].map(inWords)).toEqual(['send_request', 'B 32000'])
  })

  it('doubles timer A without a ceiling', () => {
    const { effects } = run([timer('A'), timer('A'), timer('A'), timer('A'), timer('A')])
    expect(effects.map(([, started]) => started)).toEqual([
      'A 1000',
      'A 2000',
      'A 4000',
      'A 8000',
      'A 16000',
    ])
  })

  it.each([
    { name: 'times out at timer B', inputs: [timer('B')], effects: [['B 32000', 'timeout']] },
    {
      name: 'reports a transport error',
      inputs: [{ type: 'transport_error' } as const],
      effects: [['transport_error']],
    },
    {
      name: 'stops repeating at a provisional response and then watches for timer C',
      inputs: [response(100), timer('A'), timer('B'), response(180), timer('C')],
      effects: [['C 200000', 'deliver'], [], [], ['C 200000', 'deliver'], ['ringing_too_long']],
    },
    {
      name: 'hands up every 2xx until timer M',
      inputs: [
        response(200),
        response(200),
        response(180),
        response(486),
        timer('M'),
        response(200),
      ],
      effects: [['M 32000', 'deliver'], ['deliver'], [], [], [], []],
    },
    {
      name: 'acknowledges a failure, again for every copy of it until timer D',
      inputs: [response(486), response(486), response(200), timer('D'), response(486)],
      effects: [['send_ack', 'D 32000', 'deliver'], ['send_ack'], [], [], []],
    },
    {
      name: 'listens for as long again when it is given up, and hands up who answers then',
      inputs: [response(180), giveUp, response(180), timer('C'), response(200), response(200)],
      effects: [['C 200000', 'deliver'], ['B 32000'], [], [], ['M 32000', 'deliver'], ['deliver']],
    },
    {
      name: 'listens for as long again after timer B',
      inputs: [timer('B'), timer('A'), response(200), timer('M'), response(200)],
      effects: [['B 32000', 'timeout'], [], ['M 32000', 'deliver'], [], []],
    },
    {
      name: 'acknowledges a failure that comes too late, and tells nobody',
      inputs: [response(180), giveUp, response(487), response(487), timer('D'), response(487)],
      effects: [
        ['C 200000', 'deliver'],
        ['B 32000'],
        ['send_ack', 'D 32000'],
        ['send_ack'],
        [],
        [],
      ],
    },
    {
      name: 'forgets what was given up when that time is over',
      inputs: [response(180), giveUp, timer('B'), response(200)],
      effects: [['C 200000', 'deliver'], ['B 32000'], [], []],
    },
    {
      name: 'cannot be given up once it is answered',
      inputs: [response(200), giveUp, response(200)],
      effects: [['M 32000', 'deliver'], [], ['deliver']],
    },
  ])('$name', ({ inputs, effects }) => {
    expect(run(inputs).effects).toEqual(effects)
  })

  it('forgets a failure at once over TCP', () => {
    expect(run([response(486)], TCP).effects).toEqual([['send_ack', 'D 0', 'deliver']])
  })
})
