import { expect, it } from 'vitest'
import { startRequest } from '../../../../src/sip/engine/core/start-request.ts'
import type { ClientRequest, Core } from '../../../../src/sip/engine/core/state.ts'
import { openHostResolver } from '../../../../src/sip/engine/transport/resolve.ts'
import type { Listener } from '../../../../src/sip/engine/transport/transport.ts'

const listener = { transport: 'udp', family: 4 } as Listener

it('does not send what nobody wants any more when its host has been looked up', async () => {
  const told: string[] = []
  const ended = Promise.withResolvers<void>()
  const client = {
    sent: { listener, target: { host: 'localhost', port: 5060 }, text: '' },
  } as ClientRequest
  const core: Pick<Core, 'listeners' | 'resolver' | 'run'> = {
    listeners: [listener],
    resolver: openHostResolver(undefined, () => 0),
    run: (work) => {
      work()
    },
  }
  startRequest(
    core as Core, // a transaction would need more
    client,
    {
      onResponse: () => undefined,
      onFailure: (failure) => told.push(failure),
      composeAck: () => '',
      onEnd: ended.resolve,
    },
    () => false,
  )
  await ended.promise
  expect(told).toEqual(['cancelled'])
})
