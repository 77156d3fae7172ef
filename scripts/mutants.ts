/**
 * Takes one behaviour after the other away, in a copy of the source, and looks whether the scenario or
 * test that proves it fails: `npm run mutants`, or `npm run mutants -- NAME...` for some.
 */
import { parseArgs } from 'node:util'
import { MUTANTS } from '../test/mutants/mutants.ts'
import { copyTree } from './mutants/tree.ts'
import { checkGround, type Outcome, tryMutant } from './mutants/trial.ts'

// What is under way ends with this process, and its copies are removed.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, 'side-by-side': { type: 'string', default: '2' } },
})

const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name))
const chosen = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const width = Math.max(...MUTANTS.map(({ name }) => name.length))

if (unknown.length > 0) {
  process.stderr.write(`There is no mutant called ${unknown.join(' or ')}: see --list.\n`)
  process.exitCode = 1
} else if (values.list) {
  for (const { name, row } of chosen) print(`${name.padEnd(width)}  ${row}`)
} else {
  process.exitCode = (await tryAll(Number(values['side-by-side']))) ? 0 : 1
}

/** Tries the chosen ones on several copies, and says whether every one was caught. */
async function tryAll(copies: number): Promise<boolean> {
  const waiting = chosen.values()
  const outcomes: Outcome[] = []
  const work = async () => {
    const tree = await copyTree()
    try {
      await checkGround(tree)
      for (const mutant of waiting) {
        const outcome = await tryMutant(tree, mutant)
        outcomes.push(outcome)
        report(outcome, outcomes.length)
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

function report({ mutant, kind, proof, seconds, said }: Outcome, count: number): void {
  const place = `${count}/${chosen.length}`.padStart(7)
  const time = `${seconds.toFixed(1)} s`.padStart(7)
  print(`${place}  ${kind.padEnd(8)}  ${mutant.name.padEnd(width)}  ${time}  ${proof}`)
  if (kind === 'broken') print(said.replaceAll(/^/gm, '         '))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
