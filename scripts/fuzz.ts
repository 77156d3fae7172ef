/**
 * Sends an engine damaged packets for as long as one likes: `npm run fuzz -- --seed 7 --packets 1000000`.
 * The same seed sends the same packets; what is wrong is printed, and the exit code says whether anything is.
 */
import { createProgram, runProgram } from '../src/cli/command-line.ts'
import { wholeNumberParser } from '../src/cli/option-values.ts'
import { fuzz } from '../test/sip/engine/support/fuzz.ts'

interface FuzzOptions {
  readonly seed: number
  readonly packets: number
}

const program = createProgram(
  'npm run fuzz --',
  'send an engine damaged packets: nothing dies, and no table grows',
)
  .option('--seed <n>', 'of all chance: the same sends the same packets', wholeNumberParser(), 1)
  .option('--packets <n>', 'how many', wholeNumberParser(), 200_000)
  .action(runFuzz)

/** Packets of one engine: each round has a fresh one, and a seed of its own. */
const ROUND = 20_000

await runProgram(program, process.argv)

async function runFuzz({ seed: first, packets }: FuzzOptions): Promise<void> {
  const rounds = Math.ceil(packets / ROUND)
  for (let round = 0; round < rounds; round++) {
    await runRound(first + round, Math.min(ROUND, packets - round * ROUND))
  }
}

async function runRound(seed: number, packets: number): Promise<void> {
  const { answered, delivered, faults, left, unreadable } = await fuzz({ seed, packets })
  const wrong = [
    ...faults.map((fault) => `fault: ${fault}`),
    ...unreadable.map((payload) => `unreadable: ${JSON.stringify(payload)}`),
    ...left.map((table) => `left over: ${table}`),
  ]
  print(
    `seed ${seed}: ${packets} packets, ${delivered} delivered, ${answered} answers, ${wrong.length} problems`,
  )
  for (const line of wrong) print(`  ${line}`)
  if (wrong.length > 0) process.exitCode = 1
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
