import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { relayedStatus } from '../../src/sip/relayed-status.ts'

/** The client's own response: it throws for a status that it does not know. */
const Response = createRequire(import.meta.url)('drachtio-srf/lib/response.js') as new () => {
  _agent: object
  send(status: number): void
}

function send(status: number): void {
  const response = new Response()
  response._agent = { sendResponse: () => {} }
  response.send(status)
}

describe('the status that goes back to the other side (RFC 3261 §8.1.3.2)', () => {
  it.each([
    [200, 200, 'a success'],
    [299, 200, 'a success of no known kind'],
    [399, 300, 'a redirect of no known kind'],
    [401, 500, 'a challenge'],
    [407, 500, 'a challenge of a proxy'],
    [440, 400, 'what nobody has defined'],
    [477, 400, 'what a proxy says whose other side is gone'],
    [481, 481, 'a dialog that is not known'],
    [488, 488, 'no codec in common'],
    [491, 491, 'a request that is pending'],
    [555, 500, 'a server error of no known kind'],
    [603, 603, 'a refusal'],
    [608, 600, 'a refusal that the client does not know'],
    [799, 500, 'no class at all'],
    [20_000, 500, 'no status at all'],
  ])('of %i is %i: %s', (told, relayed) => {
    expect(relayedStatus(told)).toBe(relayed)
  })

  it('is one that the client can send, whatever was told', () => {
    expect(() => send(477)).toThrow('valid sip response code')
    for (let told = 200; told < 1_000; told++) send(relayedStatus(told))
  })

  it('is what was told wherever the client can send that, but for challenges', () => {
    const changed = Array.from({ length: 500 }, (_, index) => 200 + index).filter((told) => {
      try {
        send(told)
        return relayedStatus(told) !== told
      } catch {
        return false
      }
    })
    expect(changed).toEqual([401, 407])
  })
})
