import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { AppError } from '../src/domain/app-error.ts'
import { untilPortTaken } from './ports.ts'

/** One SIPp process: a caller where `target` is given, else a buyer. */
export interface SippOptions {
  /** The scenario's file. */
  readonly file: string
  readonly localIp: string
  readonly port: number
  readonly target?: { readonly host: string; readonly port: number }
  /** Ten digits, `[service]` in the file. */
  readonly dialled?: string
  /** What stands in brackets in the file: `[caller]` is the caller's ten digits. */
  readonly keys: Readonly<Record<string, string | undefined>>
  readonly calls: number
  readonly countsCopies: boolean
  readonly injected?: string | undefined
  /** Where its logs go; made if it is not there. */
  readonly folder: string
}

/** How a SIPp process ended: undefined if every call went as written, else what it says about it. */
export type SippFailure = string | undefined

export interface Sipp {
  readonly role: string
  readonly over: Promise<SippFailure>
  /** What the scenario's `<log>` actions wrote so far. */
  log(): Promise<readonly string[]>
  /** Ends it at once; `over` settles then. */
  stop(): void
}

/** Longer than any scenario; a SIPp that is left alone ends by itself. */
const LIFE_SECONDS = 60
const MESSAGE_WAIT_MS = 15_000

/** Whether SIPp is installed. */
export function isSippInstalled(path: string = process.env.PATH ?? ''): boolean {
  return path.split(delimiter).some((folder) => existsSync(join(folder, 'sipp')))
}

/** @throws AppError `missing_program`, saying how SIPp is installed */
export function requireSipp(): void {
  if (isSippInstalled()) return
  throw new AppError(
    'missing_program',
    'The scenarios need SIPp, which is not on PATH: install it with "apt-get install sip-tester" ' +
      '(Debian, Ubuntu), "brew install sipp" (macOS), or from your system\'s packages.',
  )
}

/** Starts SIPp; a buyer is ready for calls when the promise settles. */
export async function startSipp(role: string, options: SippOptions): Promise<Sipp> {
  await mkdir(options.folder, { recursive: true })
  const child = spawn('sipp', sippArguments(options), { cwd: options.folder, stdio: 'ignore' })
  const sipp: Sipp = {
    role,
    over: untilOver(child, options.folder),
    log: () => readLines(join(options.folder, 'log')),
    stop: () => void child.kill('SIGKILL'),
  }
  if (!options.target) await untilPortTaken(options.localIp, options.port, sipp.over)
  return sipp
}

/** One call after the other, and logs whose names are known. */
const ARGUMENTS = [
  '-l 1 -nostdin -trace_msg -message_file messages -trace_err -error_file errors',
  `-trace_logs -log_file log -timeout ${LIFE_SECONDS}s -timeout_error`,
  `-recv_timeout ${MESSAGE_WAIT_MS}`,
].flatMap((line) => line.split(' '))

function sippArguments(options: SippOptions): readonly string[] {
  const { file, localIp, port, calls, target, dialled, keys, injected, countsCopies } = options
  const given: Readonly<Record<string, string | number | undefined>> = {
    '-sf': file,
    '-i': localIp,
    '-p': port,
    '-m': calls,
    '-s': dialled,
    '-inf': injected,
  }
  return [
    ...ARGUMENTS,
    ...Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [name, String(value)],
    ),
    ...Object.entries(keys).flatMap(([name, value]) =>
      value === undefined ? [] : ['-key', name, value],
    ),
    ...(countsCopies ? ['-nr'] : []),
    ...(target ? [`${target.host}:${target.port}`] : []),
  ]
}

async function untilOver(child: ChildProcess, folder: string): Promise<SippFailure> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  child.once('error', (error) => resolve(`SIPp did not start: ${error.message}`))
  child.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit ${code}`)))
  const failure = await promise
  if (failure === undefined) return undefined
  const errors = await readLines(join(folder, 'errors'))
  return [failure, ...errors.filter((line) => line.trim() !== '').slice(0, 6)].join(' | ')
}

async function readLines(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '')
}
