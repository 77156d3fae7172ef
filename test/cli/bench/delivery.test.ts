import { expect, it } from 'vitest'
import { startFastHosts, startWatchedHost } from '../../../src/cli/bench/delivery-hosts.ts'
import { openGround } from '../../../src/cli/bench/delivery-ground.ts'
import { startPlainQueue } from '../../../src/cli/bench/delivery-peer.ts'
import { buildAddressPolicy } from '../../../src/delivery/address-policy.ts'
import { startDeliveryWorker } from '../../../src/delivery/worker.ts'
import { waitFor } from '../../support/wait.ts'

it('sends to the same hosts by the worker and by its peer, and counts both', async () => {
  const ground = await openGround()
  const hosts = await startFastHosts(2)
  const arrived: string[] = []
  const watched = await startWatchedHost((path) => arrived.push(path))
  try {
    await ground.prepareCalls(3)
    const urls = [...hosts.origins.map((origin) => `${origin}/a`), `${watched.origin}/b`]
    await ground.enqueue(urls)
    const policy = buildAddressPolicy(['127.0.0.0/8'])
    const { database } = ground
    const worker = startDeliveryWorker({ database, keys: () => '', policy, log: () => {} })
    await worker.idle()
    await worker.close()
    expect([await hosts.count(), arrived]).toEqual([2, ['/b']])

    const plain = await startPlainQueue(database, 4)
    await plain.enqueue(urls)
    plain.wake()
    await waitFor(async () => (await hosts.count()) === 4 && arrived.length === 2, {
      what: 'the jobs of the peer',
    })
    await plain.close()
  } finally {
    await Promise.all([hosts.close(), watched.close()])
    await ground.close()
  }
})
