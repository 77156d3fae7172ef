import { describe, expect, it } from 'vitest'
import {
  afterRequest,
  createHostLimits,
  decideSlots,
  type HostState,
} from '../../src/delivery/hosts.ts'

const aHost = (overrides: Partial<HostState> = {}): HostState => ({
  inFlight: 0,
  unanswered: 0,
  openUntilMs: 0,
  ...overrides,
})

describe('decideSlots', () => {
  it.each([
    { name: 'the whole cap to an idle host', host: aHost(), slots: 4 },
    { name: 'the rest to a busy one', host: aHost({ inFlight: 3 }), slots: 1 },
    { name: 'none to a full one', host: aHost({ inFlight: 4 }), slots: 0 },
    { name: 'the cap after two failures', host: aHost({ unanswered: 2 }), slots: 4 },
    {
      name: 'none during the pause',
      host: aHost({ unanswered: 3, openUntilMs: 1_001 }),
      slots: 0,
    },
    {
      name: 'one probe when the pause is over',
      host: aHost({ unanswered: 3, openUntilMs: 1_000 }),
      slots: 1,
    },
    {
      name: 'no second probe beside the first',
      host: aHost({ unanswered: 3, openUntilMs: 1_000, inFlight: 1 }),
      slots: 0,
    },
  ])('gives $name (B14)', ({ host, slots }) => {
    expect(decideSlots(host, 4, 1_000)).toBe(slots)
  })
})

describe('afterRequest', () => {
  it('forgets failures with the first answer', () => {
    const host = aHost({ inFlight: 2, unanswered: 7, openUntilMs: 500 })
    expect(afterRequest(host, true, 1_000)).toEqual(aHost({ inFlight: 1 }))
  })

  it('pauses from the third failure in a row, each time for longer, up to a minute', () => {
    let host = aHost()
    const pauses = Array.from({ length: 8 }, (_, n) => {
      const nowMs = (n + 1) * 100_000
      host = afterRequest(host, false, nowMs)
      return host.openUntilMs === 0 ? 0 : host.openUntilMs - nowMs
    })
    expect(pauses).toEqual([0, 0, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
  })

  it('learns nothing from a request that was not sent after all', () => {
    const host = aHost({ inFlight: 1, unanswered: 3, openUntilMs: 500 })
    expect(afterRequest(host, undefined, 1_000)).toEqual({ ...host, inFlight: 0 })
  })

  it('counts requests that fail together as one failure of the pause', () => {
    const opened = aHost({ inFlight: 2, unanswered: 3, openUntilMs: 6_000 })
    expect(afterRequest(opened, false, 1_000)).toEqual({ ...opened, inFlight: 1 })
  })
})

describe('createHostLimits', () => {
  it('names the hosts that are busy or in trouble, and forgets the rest', () => {
    let nowMs = 0
    const hosts = createHostLimits(2, () => nowMs)
    hosts.started('a')
    hosts.started('a')
    hosts.started('b')
    expect([...hosts.slots()]).toEqual([
      ['a', 0],
      ['b', 1],
    ])
    expect(hosts.anyFull()).toBe(true)

    hosts.ended('a', true)
    hosts.ended('a', true)
    expect([...hosts.slots()]).toEqual([['b', 1]])
    expect(hosts.anyFull()).toBe(false)

    hosts.ended('b', false)
    hosts.started('b')
    hosts.ended('b', false)
    hosts.started('b')
    expect(hosts.ended('b', false)).toEqual({ kind: 'opened', pauseMs: 5_000 })
    expect([...hosts.slots()]).toEqual([['b', 0]])
    expect(hosts.anyFull()).toBe(false)

    nowMs = 5_000
    expect([...hosts.slots()]).toEqual([['b', 1]])
    hosts.started('b')
    expect(hosts.ended('b', true)).toEqual({ kind: 'closed' })
    expect([...hosts.slots()]).toEqual([])
  })

  it('remembers no more than 10,000 hosts', () => {
    const hosts = createHostLimits(2, () => 0)
    for (let n = 0; n < 10_100; n += 1) {
      for (let failure = 0; failure < 3; failure += 1) {
        hosts.started(`h${n}`)
        hosts.ended(`h${n}`, false)
      }
    }
    expect(hosts.slots().size).toBe(10_000)
  })
})
