/**
 * Sends an engine damaged packets for as long as one likes: `npm run fuzz -- --seed 7 --packets 1000000`.
 * The same seed sends the same packets; what is wrong is printed, and the exit code says whether anything is.
 */
import { parseArgs } from 'node:util'
import { fuzz } from '../test/sip/engine/support/fuzz.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    packets: { type: 'string', default: '200000' },
  },
})

/** Packets of one engine: each round has a fresh one, and a seed of its own. */
const ROUND = 20_000

const packets = Number(values.packets)
const rounds = Math.ceil(packets / ROUND)
for (let round = 0; round < rounds; round++) {
  const seed = Number(values.seed) + round
  const sent = Math.min(ROUND, packets - round * ROUND)
  const { answered, delivered, faults, left, unreadable } = await fuzz({ seed, packets: sent })
  const wrong = [
    ...faults.map((fault) => `fault: ${fault}`),
    ...unreadable.map((payload) => `unreadable: ${JSON.stringify(payload)}`),
    ...left.map((table) => `left over: ${table}`),
  ]
  print(
    `seed ${seed}: ${sent} packets, ${delivered} delivered, ${answered} answers, ${wrong.length} problems`,
  )
  for (const line of wrong) print(`  ${line}`)
  if (wrong.length > 0) process.exitCode = 1
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
