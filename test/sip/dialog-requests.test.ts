import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { guarded, requestIn } from '../../src/sip/dialog-requests.ts'
import type { RawDialog, SipResponse } from '../../src/sip/srf.ts'
import { anInvite } from './support/invite.ts'

/** A response that has been sent with this status or not yet. */
function aResponse(already?: number) {
  const sent = already === undefined ? [] : [already]
  const response: SipResponse = {
    get finalResponseSent() {
      return sent.length > 0
    },
    send: (status: number) => void sent.push(status),
  }
  return { sent, response }
}

describe('a handler of requests in a dialog', () => {
  it.each([
    ['at once', undefined, 500],
    ['later', undefined, 500],
    ['later, and has answered before', 200, 200],
  ])('that fails %s is told of, and its request answered', async (when, already, status) => {
    const { sent, response } = aResponse(already)
    const told: unknown[] = []
    const fail = () => {
      throw new Error('bad')
    }
    const handler = when === 'at once' ? fail : () => Promise.resolve().then(fail)
    guarded(handler, (error) => told.push(error))(anInvite(), response)
    await expect.poll(() => told).toEqual([new Error('bad')])
    expect(sent).toEqual([status])
  })
})

it('an ACK that cannot be sent, since the SIP server is gone, ends nothing', async () => {
  const asked = new EventEmitter()
  const request = (_: object, callback: (error: null, sent: EventEmitter) => void) =>
    callback(null, asked)
  const raw = Object.assign(new EventEmitter(), { id: '', agent: { request } })
  const invite = requestIn(raw as unknown as RawDialog, new EventEmitter())
  const answered = invite('INVITE', {})
  const ack = () => {
    throw new Error('no such server')
  }
  asked.emit('response', { status: 200, body: 'v=0' }, ack)
  const final = await answered
  expect(() => final?.acknowledge?.('v=0')).not.toThrow()
  const refused = invite('INVITE', { body: 'v=0' })
  asked.emit('response', { status: 488 }, ack)
  expect(await refused).toMatchObject({ response: { status: 488 } })
})
