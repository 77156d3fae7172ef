import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A program of this folder in a process of its own. */
export interface Child<Ready> {
  readonly process: ChildProcess
  /** What it said first: that it is ready. */
  readonly ready: Ready
  /** Settles when it has ended, with what it wrote last to standard error; it never rejects. */
  readonly exited: Promise<string>
  /** Ends it at once. */
  readonly kill: () => Promise<void>
}

const READY_MS_MAX = 30_000
const WORDS_MAX = 4_000

/**
 * Starts `file`, a path below this folder, and waits for its first message.
 * @throws Error with what it wrote if it ends before, or stays silent for 30 s
 */
export async function startChild<Ready>(
  file: string,
  settings: object,
  nodeFlags: readonly string[] = [],
): Promise<Child<Ready>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [JSON.stringify(settings)], {
    execArgv: [...nodeFlags],
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + String(chunk)).slice(-WORDS_MAX)))
  const exited = once(child, 'close').then(() => words)
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS_MAX)
  const [ready] = (await Promise.race([once(child, 'message'), exited.then(() => [])])) as [Ready?]
  clearTimeout(timer)
  if (ready === undefined) throw new Error(`${file} did not start: ${await exited}`)
  return { process: child, ready, exited, kill }
}
