import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { findListener, readUsage } from '../../../src/cli/bench/engine-processes.ts'
import { AppError } from '../../../src/domain/app-error.ts'

it('finds the process that listens on a port', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  expect(await findListener(port)).toBe(process.pid)
})

it('says what to do where nobody listens', async () => {
  await expect(findListener(1)).rejects.toThrow(AppError)
  await expect(findListener(1)).rejects.toThrow('name it with --drachtio-pid')
})

it('reads the time and the memory that a process has used', async () => {
  const before = await readUsage(process.pid)
  expect(before.rssBytes).toBeGreaterThan(20 * 2 ** 20)
  const untilMs = process.cpuUsage().user / 1_000 + 60
  while (process.cpuUsage().user / 1_000 < untilMs);
  const after = await readUsage(process.pid)
  expect(after.cpuMs - before.cpuMs).toBeGreaterThanOrEqual(40)
})

it('says that a process is not there', async () => {
  await expect(readUsage(999_999_999)).rejects.toThrow('There is no process 999999999')
})
