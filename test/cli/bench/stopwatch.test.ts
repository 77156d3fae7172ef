import { describe, expect, it, onTestFinished } from 'vitest'
import { openStopwatch } from '../../../src/cli/bench/stopwatch.ts'
import { startPingReceiver } from '../../../src/cli/bench/pings.ts'
import { startPeerSubject, startPingingPeerSubject } from '../../../src/cli/bench/subject.ts'
import { waitFor } from '../../support/wait.ts'

describe('openStopwatch', () => {
  it('times whole calls through a B2BUA, from the INVITE to the last BYE', async () => {
    const stopwatch = await openStopwatch()
    onTestFinished(stopwatch.close)
    const peer = await startPeerSubject({ buyerPort: stopwatch.buyerPort, pingUrl: '' })
    onTestFinished(peer.close)
    const calls = await stopwatch.run(peer, 20, 1)
    expect(calls).toHaveLength(20)
    for (const { invitedAtMs, reachedAtMs = 0, answeredAtMs = 0, isOver } of calls) {
      expect(reachedAtMs).toBeGreaterThan(invitedAtMs)
      expect(answeredAtMs).toBeGreaterThanOrEqual(reachedAtMs)
      expect(isOver).toBe(true)
    }
  })

  it('knows each call of a peer by the ping that it sends', async () => {
    const stopwatch = await openStopwatch()
    onTestFinished(stopwatch.close)
    const pings = await startPingReceiver()
    onTestFinished(pings.close)
    const places = { buyerPort: stopwatch.buyerPort, pingUrl: pings.url }
    const peer = await startPingingPeerSubject(places)
    onTestFinished(peer.close)
    const calls = await stopwatch.run(peer, 10, 1)
    await waitFor(() => pings.count() === 10, { what: 'a ping a call' })
    for (const { callUuid = '', answeredAtMs = Infinity } of calls)
      expect(pings.arrivedAtMs(callUuid)).toBeGreaterThan(answeredAtMs)
  })

  it('says how many calls failed', async () => {
    const stopwatch = await openStopwatch()
    onTestFinished(stopwatch.close)
    const nobody = { host: '127.0.0.1', port: 9 } // discard: nothing listens there
    const subject = { name: 'nobody', isPinging: false, sip: nobody, close: async () => {} }
    await expect(stopwatch.run(subject, 2, 1)).rejects.toThrow('2 of 2 calls failed')
  }, 10_000)
})
