import { Command, CommanderError } from 'commander'
import { AppError } from '../domain/app-error.ts'

const FAILED = 1
/** As most programs do; `bridgeback verify` exits with 1 where the ledger is wrong. */
const MISUSED = 2

/** A command line as all of the project's are: mistakes are told in a sentence, beside where to look. */
export function createProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showHelpAfterError('(try --help)')
    .exitOverride()
}

/**
 * Runs what the arguments ask for. Sets the exit code: 2 where they are not understood and nothing was
 * done, 1 after one sentence of what to do where it has failed.
 *
 * @throws whatever is a bug
 */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endInSilence)
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    process.exitCode = codeOf(error)
  }
}

/** Whoever reads, such as `head`, may have read enough. */
function endInSilence(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit()
}

/** Commander has said already what it did not understand; help that was asked for is no failure. */
function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED
  if (!(error instanceof AppError)) throw error
  process.stderr.write(`${error.message}\n`)
  return FAILED
}
