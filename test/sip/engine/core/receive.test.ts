import { afterEach, expect, it } from 'vitest'
import { receive } from '../../../../src/sip/engine/core/receive.ts'
import { type BareCore, openBareCore } from '../support/bare-core.ts'
import { goodMessages } from '../support/mutate.ts'

let bare: BareCore

afterEach(() => {
  bare.close()
})

const [original = ''] = goodMessages(5_999)
const INVITE = original.replace('NUMBER', '1')
const from = (port: number) => ({ transport: 'udp', address: '192.0.2.1', port }) as const
const PATIENCE_MS = 500

/** Long enough for everything that a call left alone goes through. */
const LONG_MS = 20 * PATIENCE_MS

it('drops what comes from port 0, where no answer could go', () => {
  bare = openBareCore()
  receive(bare.core, INVITE, from(0), bare.listener)
  expect(bare.core.counters).toMatchObject({ messagesDropped: 1, requestsReceived: 0 })
  expect([bare.sent, bare.told, bare.left()]).toEqual([[], [], []])
})

it('comes to an end with an INVITE although its first answer could not be sent', () => {
  let isBroken = true
  bare = openBareCore({ applicationPatienceMs: PATIENCE_MS }, () => {
    if (isBroken) throw new Error('broken')
  })
  expect(() => {
    receive(bare.core, INVITE, from(5_999), bare.listener)
  }).toThrow('broken')
  isBroken = false
  for (let ms = 0; ms < LONG_MS; ms += PATIENCE_MS) bare.clock.skip(PATIENCE_MS)
  expect(bare.left()).toEqual([])
})
