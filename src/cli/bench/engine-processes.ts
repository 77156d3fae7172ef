import { readdir, readFile, readlink } from 'node:fs/promises'
import { AppError } from '../../domain/app-error.ts'

/** What a process has used. */
export interface Usage {
  /** Of all threads, since it was started. */
  readonly cpuMs: number
  readonly rssBytes: number
}

/** Linux counts in hundredths of a second, whatever the kernel's own clock. */
const TICK_MS = 10

/** @throws AppError `not_found` if there is no such process, or if this is not Linux */
export async function readUsage(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all(
    ['stat', 'status'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
  )
  // The name of the program is in brackets and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1]
  if (kilobytes === undefined)
    throw new AppError('not_found', `There is no process ${pid} in /proc: check --drachtio-pid.`)
  const ticks = Number(fields[11]) + Number(fields[12])
  return { cpuMs: ticks * TICK_MS, rssBytes: Number(kilobytes) * 1_024 }
}

/**
 * The process that listens on a TCP port of this machine.
 * @throws AppError `not_found` if it cannot be found
 */
export async function findListener(port: number): Promise<number> {
  const sockets = await listeningSockets(port)
  const entries = await readdir('/proc').catch(() => [])
  for (const pid of entries.filter((name) => /^\d+$/.test(name)))
    if (await holdsAny(pid, sockets)) return Number(pid)
  throw new AppError(
    'not_found',
    `No process was found that listens on port ${port}: name it with --drachtio-pid, on the machine it runs on.`,
  )
}

/** The links in `/proc/PID/fd` that stand for them. */
async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  )
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const rows = tables.flatMap((table) => table.split('\n').map((row) => row.trim().split(/\s+/)))
  const found = rows.filter((row) => row[1]?.endsWith(`:${hex}`) && row[3] === '0A')
  return new Set(found.map((row) => `socket:[${row[9] ?? ''}]`))
}

async function holdsAny(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(
    files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')),
  )
  return links.some((link) => sockets.has(link))
}
