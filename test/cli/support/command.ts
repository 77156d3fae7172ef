import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

/** A command as a child process of a test. */
export interface Command {
  /** What it has written so far. */
  readonly output: () => string
  readonly errors: () => string
  /** Its exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>
  /** Closes what it writes its output to, as `head` does. */
  readonly stopReading: () => void
  readonly stop: (signal: NodeJS.Signals) => void
}

/** Starts `bridgeback` with `args`; it is ended with the test, should it still run. */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Command {
  return startProgram('bin/bridgeback.js', args, env)
}

/** Starts a file of the project with `args`; it is ended with the test, should it still run. */
export function startProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Command {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { output: '', errors: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.errors += chunk.toString()))
  const exited = codeOf(child)
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await exited
  })
  return {
    output: () => texts.output,
    errors: () => texts.errors,
    exited,
    stopReading: () => child.stdout.destroy(),
    stop: (signal) => child.kill(signal),
  }
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}
