import { describe, expect, it } from 'vitest'
import {
  begin,
  type Input,
  step,
} from '../../../../src/sip/engine/transaction/non-invite-client.ts'
import { inWords, play, TCP, UDP } from './play.ts'

const response = (status: number): Input => ({ type: 'response', status })
const timer = (name: 'E' | 'F' | 'K'): Input => ({ type: 'timer', timer: name })
const run = (inputs: readonly Input[], context = UDP): ReturnType<typeof play> =>
  play(step, begin(context)[0], inputs, context)

describe('non-INVITE client transaction (RFC 3261 §17.1.2)', () => {
  it('begins by sending the request, over UDP with timer E', () => {
    expect(begin(UDP)[1].map(inWords)).toEqual(['send_request', 'E 500', 'F 32000'])
    expect(begin(TCP)[1].map(inWords)).toEqual(['send_request', 'F 32000'])
  })

  it('doubles timer E up to T2', () => {
    const { effects } = run([timer('E'), timer('E'), timer('E'), timer('E')])
    expect(effects.map(([, started]) => started)).toEqual(['E 1000', 'E 2000', 'E 4000', 'E 4000'])
  })

  it.each([
    {
      name: 'goes on every T2 after a provisional response, until timer F',
      inputs: [response(100), timer('E'), timer('E'), timer('F')],
      effects: [['deliver'], ['send_request', 'E 4000'], ['send_request', 'E 4000'], ['timeout']],
    },
    {
      name: 'hands the final response up once',
      inputs: [response(200), response(200), timer('E'), timer('F'), timer('K')],
      effects: [['K 5000', 'deliver'], [], [], [], []],
    },
    {
      name: 'reports a transport error',
      inputs: [{ type: 'transport_error' } as const],
      effects: [['transport_error']],
    },
  ])('$name', ({ inputs, effects }) => {
    expect(run(inputs).effects).toEqual(effects)
  })

  it('forgets the request at once over TCP', () => {
    expect(run([response(200)], TCP).effects).toEqual([['K 0', 'deliver']])
  })
})
