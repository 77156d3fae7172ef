import { expect, it } from 'vitest'
import { createEndpointHealth, type Sighting } from '../../src/sip/endpoint-health.ts'

const URI = 'sip:sales@198.51.100.7:5060'

function start() {
  let nowMs = 0
  const health = createEndpointHealth(() => nowMs)
  const see = (...sightings: readonly Sighting[]) => {
    for (const sighting of sightings) health.report(URI, sighting)
  }
  const isReachableAt = (atMs: number, uri = URI) => {
    nowMs = atMs
    return health.isReachable(uri)
  }
  return { see, isReachableAt }
}

const gone = { kind: 'gone' } as const
const pinged = { kind: 'ping_answered' } as const
const unpinged = { kind: 'ping_failed' } as const

it('a host that was never heard of is tried', () => {
  expect(start().isReachableAt(0)).toBe(true)
})

it.each<[string, readonly Sighting[], number]>([
  ['after a transport error', [gone], 30_000],
  ['after silence towards two calls', [{ kind: 'silent' }, { kind: 'silent' }], 30_000],
  ['as long as its 503 asks for', [{ kind: 'overloaded', forMs: 120_000 }], 120_000],
  ['at most five minutes after a 503', [{ kind: 'overloaded', forMs: 86_400_000 }], 300_000],
  ['after three failed pings', [pinged, unpinged, unpinged, unpinged], 300_000],
])('a host is spared %s', (_, sightings, forMs) => {
  const { see, isReachableAt } = start()
  see(...sightings)
  expect(isReachableAt(forMs - 1)).toBe(false)
  expect(isReachableAt(forMs)).toBe(true)
})

it.each<[string, readonly Sighting[]]>([
  ['after silence towards one call', [{ kind: 'silent' }]],
  [
    'after silence towards two calls with an answer between',
    [{ kind: 'silent' }, { kind: 'alive' }, { kind: 'silent' }],
  ],
  ['after two failed pings', [pinged, unpinged, unpinged]],
  ['that never answered a ping', [unpinged, unpinged, unpinged, unpinged]],
  ['once it has answered a ping', [gone, pinged]],
  ['once it has answered a call', [gone, { kind: 'alive' }]],
])('a host is tried %s', (_, sightings) => {
  const { see, isReachableAt } = start()
  see(...sightings)
  expect(isReachableAt(0)).toBe(true)
})

it('an answered ping does not end the time that a 503 has asked for', () => {
  const { see, isReachableAt } = start()
  see({ kind: 'overloaded', forMs: 10_000 }, pinged)
  expect(isReachableAt(9_999)).toBe(false)
})

it('buyers on one host stand and fall together, other ports and transports for themselves', () => {
  const { see, isReachableAt } = start()
  see(gone)
  expect(isReachableAt(0, 'sip:other@198.51.100.7:5060;user=phone')).toBe(false)
  expect(isReachableAt(0, 'sip:sales@198.51.100.7:5080')).toBe(true)
  expect(isReachableAt(0, 'sip:sales@198.51.100.7:5060;transport=tcp')).toBe(true)
})
