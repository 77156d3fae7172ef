import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { codeOf, inspectProcess } from './processes.ts'

/** Either this process now holds the lock, or who does. */
export type Lock =
  | { readonly kind: 'taken'; readonly release: () => Promise<void> }
  | { readonly kind: 'held'; readonly pid: number }

interface Holder {
  readonly pid: number
  readonly birth: string
}

/**
 * Takes the lock `file` for as long as this process lives. The lock of a process that has died is
 * taken over, even where its pid now belongs to another process, as after the restart of a
 * container.
 */
export async function takeLock(file: string): Promise<Lock> {
  const mine = `${file}.${process.pid}`
  const birth = (await inspectProcess(process.pid))?.birth ?? ''
  await writeFile(mine, JSON.stringify({ pid: process.pid, birth } satisfies Holder), {
    mode: 0o600,
  })
  try {
    return await claim(file, mine)
  } finally {
    await unlink(mine)
  }
}

async function claim(file: string, mine: string): Promise<Lock> {
  for (;;) {
    if (await linked(mine, file)) return { kind: 'taken', release: () => unlink(file) }

    const text = await readFile(file, 'utf8').catch(() => '')
    const holder = parseHolder(text)
    if (holder && (await isAlive(holder))) return { kind: 'held', pid: holder.pid }
    await removeStale(file, text)
  }
}

/** A link comes into being with its content, unlike a file that is created and then written. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Moves the file away before it is deleted: it may be a new one that another process has put. */
async function removeStale(file: string, text: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`
  await rename(file, aside).catch(() => {})
  const moved = await readFile(aside, 'utf8').catch(() => text)
  if (moved !== text) await linked(aside, file)
  await unlink(aside).catch(() => {})
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, birth } = JSON.parse(text) as Partial<Holder>
    return typeof pid === 'number' && typeof birth === 'string' ? { pid, birth } : undefined
  } catch {
    return undefined
  }
}

async function isAlive({ pid, birth }: Holder): Promise<boolean> {
  const found = await inspectProcess(pid)
  return found !== undefined && found.birth === birth
}
