import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { takeLock } from '../../../src/db/embedded/lock.ts'

async function makeFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'postgres.lock')
}

/** A process that has the lock: takes it, says so, and stays. */
async function startHolder(file: string) {
  const script = `
    import { takeLock } from '${new URL('../../../src/db/embedded/lock.ts', import.meta.url).href}'
    console.log((await takeLock(process.argv[1])).kind)
    process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [kind] = (await once(child.stdout, 'data')) as [Buffer]
  expect(String(kind)).toBe('taken\n')
  return child
}

describe('takeLock', () => {
  it('is taken once, and again after its release', async () => {
    const file = await makeFile()
    const first = await takeLock(file)
    expect(first.kind).toBe('taken')
    expect(await takeLock(file)).toEqual({ kind: 'held', pid: process.pid })
    if (first.kind === 'taken') await first.release()
    expect((await takeLock(file)).kind).toBe('taken')
    expect(await readdir(join(file, '..'))).toEqual(['postgres.lock'])
  })

  it('is held by another process while that lives, and taken over when that was killed', async () => {
    const file = await makeFile()
    const holder = await startHolder(file)
    expect(await takeLock(file)).toEqual({ kind: 'held', pid: holder.pid })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    expect((await takeLock(file)).kind).toBe('taken')
    expect(await readdir(join(file, '..'))).toEqual(['postgres.lock'])
  })

  it.each([
    ['names a pid that another process has got since', { pid: process.pid, birth: 'earlier' }],
    ['names a pid that nobody has', { pid: 2 ** 30, birth: 'earlier' }],
    ['is empty', ''],
    ['is something else', [1]],
  ])('is taken over when it %s', async (_, content) => {
    const file = await makeFile()
    await writeFile(file, content === '' ? '' : JSON.stringify(content))
    expect((await takeLock(file)).kind).toBe('taken')
    expect(await readFile(file, 'utf8')).toContain(`"pid":${process.pid}`)
  })

  it('goes to one of many that find it stale at the same time', async () => {
    const file = await makeFile()
    await writeFile(file, JSON.stringify({ pid: 2 ** 30, birth: 'earlier' }))
    const holders = await Promise.allSettled(Array.from({ length: 4 }, () => startHolder(file)))
    expect(holders.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
