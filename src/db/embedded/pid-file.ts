import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from './home.ts'
import { inspectProcess } from './processes.ts'

/** What `postmaster.pid` says about the server that wrote it. It outlives a killed server. */
export interface PidFile {
  readonly pid: number
  readonly port: number
  /** The folder of its socket; empty where it has none. */
  readonly socketFolder: string
  /** It said that it accepts connections; one that starts or recovers has not yet. */
  readonly isReady: boolean
}

/**
 * Reads the lines of `postmaster.pid`: pid, data directory, start time, port, folder of the socket,
 * TCP address, shared memory, status. Undefined if not even a pid is there.
 * @see PostgreSQL, src/include/utils/pidfile.h
 */
export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  const [pid = '', , , port = '', socketFolder = '', , , status] = lines
  // A server in single-user mode writes its pid with a minus.
  if (!/^[1-9]\d*$/.test(pid)) return undefined
  return { pid: Number(pid), port: Number(port), socketFolder, isReady: status === 'ready' }
}

/** The pid file of the home's cluster; undefined if there is none. */
export async function readPidFile(home: Home): Promise<PidFile | undefined> {
  const text = await readFile(join(home.cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  return parsePidFile(text)
}

/**
 * Whether this command line is that of a server of `cluster`. Its children, and programs that look
 * at its files, are not.
 */
export function isPostmasterCommand(command: string, cluster: string): boolean {
  const [end, words] = command.includes('\0') ? ['\0', command] : [' ', `${command} `]
  const [program = ''] = words.split(`${end}-D${end}`, 1)
  return /(^|\/)postgres$/.test(program) && words.includes(`${end}-D${end}${cluster}${end}`)
}

/** Whether the process is a live server of the home's cluster, and not one that got its pid. */
export async function isPostmaster(home: Home, pid: number): Promise<boolean> {
  const found = await inspectProcess(pid)
  if (found === undefined || process.platform === 'win32') return found !== undefined
  return isPostmasterCommand(found.command, home.cluster)
}
