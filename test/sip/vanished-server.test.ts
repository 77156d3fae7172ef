import { expect, it, onTestFinished } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { SDP } from './engine/support/phone.ts'
import { type Firewall, startFirewall } from './support/firewall.ts'
import { startService } from './support/service.ts'

const WATCH = { pingMs: 50, silentPingsMax: 8, connectPingsMax: 2 }

it('a call whose SIP server vanishes without a word ends at its last sign of life', async () => {
  const firewall = Promise.withResolvers<Firewall>()
  const service = await startService({
    through: async (engine) => {
      const { port, ...rest } = await startFirewall(engine.port)
      firewall.resolve({ port, ...rest })
      return { ...engine, port, watch: WATCH }
    },
  })
  const { close, swallow } = await firewall.promise
  onTestFinished(close)
  const { buyers, callerPhone, controller, dial, recorded } = service
  const [buyer] = buyers
  if (!buyer) throw new Error('no buyer')
  const caller = dial()
  buyer.answer(await buyer.expect('INVITE'), 200, { body: SDP })
  callerPhone.sendRaw(caller.ack(await callerPhone.expect('200 INVITE')))
  await buyer.expect('ACK')
  await waitFor(() => recorded.bridged[0], { what: 'the bridge' })
  const answeredAtMs = performance.now()
  // Longer than the silence that is waited for: it is the answers to pings that keep the connection.
  const isLong = () => performance.now() - answeredAtMs > 12 * WATCH.pingMs
  await waitFor(isLong, { what: 'some pings' })
  expect(controller.isConnected()).toBe(true)

  const vanishedAtMs = performance.now()
  swallow()
  const { connectedMs = 0, ...end } = await service.ending()
  expect(end).toMatchObject({ hungUpBy: 'bridge', endReason: 'bridge_lost', sipStatus: 200 })
  const lostAtMs = performance.now()
  expect(lostAtMs - vanishedAtMs).toBeGreaterThan(6 * WATCH.pingMs)
  const talkedMs = vanishedAtMs - answeredAtMs
  expect(connectedMs).toBeGreaterThan(talkedMs - 4 * WATCH.pingMs)
  expect(connectedMs).toBeLessThan(talkedMs + 4 * WATCH.pingMs)
  await waitFor(controller.isConnected, { what: 'another connection' })
})
