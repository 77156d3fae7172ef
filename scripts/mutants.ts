/**
 * Takes one behaviour after the other away, in a copy of the source, and looks whether the scenario or
 * test that proves it fails: `npm run mutants`, or `npm run mutants -- NAME...` for some.
 */
import { createProgram, runProgram } from '../src/cli/command-line.ts'
import { wholeNumberParser } from '../src/cli/option-values.ts'
import { AppError } from '../src/domain/app-error.ts'
import type { Mutant } from '../test/mutants/mutant.ts'
import { MUTANTS } from '../test/mutants/mutants.ts'
import { copyTree } from './mutants/tree.ts'
import { checkGround, type Outcome, tryMutant } from './mutants/trial.ts'

interface MutantsOptions {
  readonly list?: boolean
  readonly sideBySide: number
}

/** Each is a copy of the source with a service and phones of its own. */
const COPIES_MAX = 16

const width = Math.max(...MUTANTS.map(({ name }) => name.length))
const program = createProgram(
  'npm run mutants --',
  'take one behaviour after the other away, and look whether what proves it fails',
)
  .argument('[names...]', 'only these; all unless given')
  .option('--list', 'say what each proves and try none')
  .option('--side-by-side <n>', 'how many at a time', wholeNumberParser({ to: COPIES_MAX }), 2)
  .action(runMutants)

// What is under way ends with this process, and its copies are removed.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
await runProgram(program, process.argv)

async function runMutants(
  names: readonly string[],
  { list = false, sideBySide }: MutantsOptions,
): Promise<void> {
  const chosen = choose(names)
  if (list) for (const { name, row } of chosen) print(`${name.padEnd(width)}  ${row}`)
  else process.exitCode = (await tryAll(chosen, sideBySide)) ? 0 : 1
}

/** @throws AppError naming what is unknown */
function choose(names: readonly string[]): readonly Mutant[] {
  const unknown = names.filter((name) => !MUTANTS.some((mutant) => mutant.name === name))
  if (unknown.length > 0) {
    throw new AppError(
      'not_found',
      `There is no mutant called ${unknown.join(' or ')}: see "npm run mutants -- --list".`,
    )
  }
  return MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name))
}

/** Tries the chosen ones on several copies, and says whether every one was caught. */
async function tryAll(chosen: readonly Mutant[], copies: number): Promise<boolean> {
  const waiting = chosen.values()
  const outcomes: Outcome[] = []
  const work = async () => {
    const tree = await copyTree()
    try {
      await checkGround(tree)
      for (const mutant of waiting) {
        const outcome = await tryMutant(tree, mutant)
        outcomes.push(outcome)
        report(outcome, `${outcomes.length}/${chosen.length}`)
      }
    } finally {
      await tree.remove()
    }
  }
  await Promise.all(Array.from({ length: Math.min(copies, chosen.length) }, work))
  const caught = outcomes.filter(({ kind }) => kind === 'caught').length
  print(`\n${caught} of ${chosen.length} caught`)
  return caught === chosen.length
}

function report({ mutant, kind, proof, seconds, said }: Outcome, place: string): void {
  const time = `${seconds.toFixed(1)} s`.padStart(7)
  print(`${place.padStart(7)}  ${kind.padEnd(8)}  ${mutant.name.padEnd(width)}  ${time}  ${proof}`)
  if (kind === 'broken') print(said.replaceAll(/^/gm, '         '))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
