import type { Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { connectSipClient, type SipRequest, type SipResponse } from '../../src/sip/srf.ts'
import { caller } from './engine/support/caller.ts'
import { SDP } from './engine/support/phone.ts'
import { openWorld } from './engine/support/world.ts'

it("a CANCEL that crosses our 200 is the caller's, not a failure", async () => {
  const world = await openWorld()
  const phone = await world.phone()
  const connected = Promise.withResolvers<void>()
  const received = Promise.withResolvers<readonly [SipRequest, SipResponse]>()
  const client = connectSipClient(
    { ...world.stack.admin, secret: 'secret' },
    {
      onRequest: { invite: (...invite) => received.resolve(invite) },
      onConnect: () => connected.resolve(),
      onRefused: connected.reject,
      onError: connected.reject,
      onClose: () => {},
      onFailure: received.reject,
    },
  )
  onTestFinished(async () => {
    client.disconnect()
    await world.close()
  })
  await connected.promise
  const from = caller(phone, world.port)
  phone.sendRaw(from.invite())
  const [request, response] = await received.promise
  // What the server says of the CANCEL is on its way while our 200 goes out.
  const { socket } = request as SipRequest & { readonly socket: Socket }
  socket.pause()
  phone.sendRaw(from.cancel())
  phone.sendRaw(from.ack(await phone.expect('487 INVITE')))
  const outcome = client.createUas(request, response, { body: SDP })
  socket.resume()
  expect(await outcome).toEqual({ kind: 'cancelled' })
})
