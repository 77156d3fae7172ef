/**
 * `npm test`: every test, with nothing left out in silence. Arguments go to vitest. The last line is
 * `N passed, N failed`, and the exit code says the same.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProgram, runProgram } from '../src/cli/command-line.ts'
import { AppError } from '../src/domain/app-error.ts'
import { ensureSipp } from './sipp.ts'
import { countTests, type Report } from './test-report.ts'

const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))

const program = createProgram(
  'npm run test --',
  'run every test, or those that are named; further arguments are those of vitest',
)
  .argument('[arguments...]', 'files, and options of vitest, such as -t NAME')
  .allowUnknownOption()
  .action(async (args: readonly string[]) => {
    const trouble = ensureSipp()
    if (trouble !== undefined) throw new AppError('missing_program', trouble)
    await test(args)
  })
await runProgram(program, process.argv)

async function test(args: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeback-tests-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const child = spawn(process.execPath, [VITEST, 'run', ...reporters, ...args], {
    stdio: 'inherit',
  })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  const text = await readFile(file, 'utf8').catch(() => '{}')
  await rm(folder, { recursive: true, force: true })
  const { passed, failed } = countTests(JSON.parse(text) as Report, {
    isSuccess: exitCode === 0,
    isComplete: args.length === 0,
  })
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}
