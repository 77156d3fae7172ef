import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** The user that a program runs as, where this process is root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** How a program is run. */
export interface RunOptions {
  readonly account?: Account | undefined
  /** A folder that the account may enter: programs die in one that they may not. */
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** How a program ended. `code` is undefined where it could not be started, or was killed. */
export interface ProgramResult {
  readonly code: number | undefined
  /** Why it could not be started: `ENOENT`, `EACCES`, `EPERM`, …. */
  readonly error: string | undefined
  /** What it wrote, stderr last. */
  readonly output: string
}

/** Runs a program to its end. Never rejects: that it is missing is an answer, too. */
export function runProgram(
  file: string,
  args: readonly string[],
  { account, cwd, env }: RunOptions,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    // Node may throw instead of calling back, EPERM for one where a container forbids setuid.
    try {
      execFile(file, args, { ...account, cwd, env }, (error, stdout, stderr) => {
        const output = (stdout + stderr).trim()
        if (!error) resolve({ code: 0, error: undefined, output })
        else if (typeof error.code === 'number')
          resolve({ code: error.code, error: undefined, output })
        else resolve({ code: undefined, error: String(error.code ?? error.signal), output })
      })
    } catch (error) {
      resolve({ code: undefined, error: codeOf(error) ?? 'unknown', output: '' })
    }
  })
}

/**
 * The environment for PostgreSQL's programs: not ours, since it holds secrets that the account
 * could read in `/proc`, and `PG…` variables that would change what the programs do.
 */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), LC_ALL: 'C', ...extra }
}

/** The `code` of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** What tells one process from another one that later got the same pid. */
export interface ProcessInfo {
  /** Differs between two processes of one pid. Opaque. */
  readonly birth: string
  /** Its command line; arguments end in NUL on Linux, in a space elsewhere. */
  readonly command: string
}

/** Looks a process up. Undefined if it is gone, a zombie, or cannot be seen from here. */
export async function inspectProcess(pid: number): Promise<ProcessInfo | undefined> {
  if (process.platform === 'linux') return inspectInProc(pid)
  if (process.platform === 'win32') return inspectOnWindows(pid)
  return inspectWithPs(pid)
}

/** Tells only that somebody has this pid. */
function inspectOnWindows(pid: number): ProcessInfo | undefined {
  try {
    process.kill(pid, 0)
    return { birth: '', command: '' }
  } catch {
    return undefined
  }
}

async function inspectInProc(pid: number): Promise<ProcessInfo | undefined> {
  try {
    const [stat, command, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    // Field 22, in ticks since boot; counted from behind the name, which may hold anything.
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    if (command === '') return undefined
    return { birth: `${startTime} ${boot.trim()}`, command }
  } catch {
    return undefined
  }
}

async function inspectWithPs(pid: number): Promise<ProcessInfo | undefined> {
  const args = ['-ww', '-o', 'lstart=', '-o', 'command=', '-p', String(pid)]
  const { code, output } = await runProgram('ps', args, { cwd: '/', env: cleanEnvironment() })
  if (code !== 0 || output === '') return undefined
  // "Mon Mar  2 12:00:00 2026" has a fixed width.
  return { birth: output.slice(0, 24), command: output.slice(24).trim() }
}
