import { expect, it } from 'vitest'
import { parseMessage } from '../../../src/sip/engine/message/parse.ts'
import { fuzz } from './support/fuzz.ts'
import { goodMessages } from './support/mutate.ts'

/** More by command: `npm run fuzz -- --seed 7 --packets 1000000`. */
const PACKETS = 20_000

it(`survives ${PACKETS} damaged packets, hands over nothing its client cannot read, and keeps nothing of it`, async () => {
  const { answered, delivered, ...wrong } = await fuzz({ seed: 4_475, packets: PACKETS })
  expect(wrong).toEqual({ faults: [], unreadable: [], left: [] })
  expect(delivered).toBeGreaterThan(PACKETS / 20)
  expect(answered).toBeGreaterThan(PACKETS / 100)
}, 60_000)

it.each([
  { name: 'quotes', value: `"${'\\"'.repeat(2_000)}` },
  { name: 'semicolons', value: `<sip:a@b>${';'.repeat(4_000)}` },
  { name: 'parameters', value: `<sip:a@b>${';a'.repeat(2_000)}` },
  { name: 'commas', value: `<sip:a@b>${','.repeat(4_000)}` },
  { name: 'brackets', value: '<'.repeat(4_000) },
  { name: 'blanks', value: `a${' '.repeat(4_000)}b` },
  { name: 'blanks between semicolons', value: `<sip:a@b>;${' '.repeat(4_000)};` },
])('takes no time over a header full of $name', ({ value }) => {
  const [invite = ''] = goodMessages(5060)
  for (const name of ['From', 'To', 'Contact', 'Via', 'Record-Route', 'Session-Expires']) {
    const text = invite.replace(new RegExp(`^${name}: .*$`, 'm'), () => `${name}: ${value}\r`)
    const begunAt = performance.now()
    parseMessage(text, false)
    expect(performance.now() - begunAt).toBeLessThan(250)
  }
})
