import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { holdPort, untilPortTaken } from '../../../sip-scenarios/ports.ts'
import type { Address } from '../engine-rig/engine.ts'
import { type PhoneCall, readOutcomes } from './outcomes.ts'

/** SIPp as caller or buyer of the soak. */
export interface SoakPhone {
  readonly port: number
  /** Settles when it has ended by itself. */
  readonly over: Promise<void>
  /** What it has written about its calls so far. */
  readonly calls: () => Promise<readonly PhoneCall[]>
  readonly close: () => Promise<void>
}

interface PhoneOptions {
  /** Where its logs go. */
  readonly folder: string
  /** Of a hundred packets, how many are lost in each direction. */
  readonly lossPercent: number
}

/** Starts the buyer; it takes calls when the promise settles, until it is closed. */
export async function startSoakBuyer(options: PhoneOptions): Promise<SoakPhone> {
  const phone = await startPhone('buyer', options, [])
  await untilPortTaken('127.0.0.1', phone.port, phone.over)
  return phone
}

/** Starts a caller that makes so many calls a second. */
export function startSoakCaller(
  target: Address,
  { rate, calls, ...options }: PhoneOptions & { readonly rate: number; readonly calls: number },
): Promise<SoakPhone> {
  const load = ['-r', rate, '-m', calls, '-l', OPEN_CALLS_MAX].map(String)
  return startPhone('caller', options, [...load, `${target.host}:${target.port}`])
}

const OPEN_CALLS_MAX = 10_000

async function startPhone(
  role: 'caller' | 'buyer',
  { folder, lossPercent }: PhoneOptions,
  more: readonly string[],
): Promise<SoakPhone> {
  await mkdir(folder, { recursive: true })
  const held = await holdPort('127.0.0.1')
  await held.release()
  const { port } = held
  const file = fileURLToPath(new URL(`./${role}.xml`, import.meta.url))
  const at = ['-i', '127.0.0.1', '-p', String(port)]
  const logs = ['-trace_logs', '-log_file', 'log', '-trace_err', '-error_file', 'errors']
  // A message that comes twice, or crosses another, is no reason to give up a call: one that is not as it
  // should be never comes to its end.
  const patient = ['-default_behaviors', 'all,-abortunexp']
  const args = [
    '-sf',
    file,
    ...at,
    ...logs,
    ...patient,
    '-lost',
    String(lossPercent),
    '-nostdin',
    ...more,
  ]
  const child = spawn('sipp', args, { cwd: folder, stdio: 'ignore' })
  // It would wait for calls for ever.
  const endToo = () => void child.kill('SIGKILL')
  process.once('exit', endToo)
  const over = once(child, 'close').then(() => void process.off('exit', endToo))
  return {
    port,
    over,
    calls: async () => readOutcomes(await readFile(join(folder, 'log'), 'utf8').catch(() => '')),
    close: () => close(child, over),
  }
}

async function close(child: ChildProcess, over: Promise<void>): Promise<void> {
  if (child.exitCode === null) child.kill('SIGKILL')
  await over
}
