import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freeUdpPort } from '../support/free-port.ts'

/** Longer than any message is repeated for, twice. */
const LIFE_SECONDS = 90

/** SIPp's own takes an INVITE that comes again for a mistake if its 180 and its 200 were both lost. */
const CALLEE = fileURLToPath(new URL('callee.xml', import.meta.url))

/** How many calls at which rate, and how much of every hundred messages each side loses. */
export interface SippLoad {
  readonly calls: number
  readonly callsPerSecond: number
  readonly lostPercent: number
}

/**
 * Calls through a server that bridges to the port `begin` is told: SIPp on both sides.
 * Gives what the caller said at its end: 0 if every call was complete. The callee takes
 * calls until then: one that counted them would go while a call it counts twice is still to come.
 *
 * @throws an Error if SIPp is not installed
 */
export async function callThrough(
  server: { readonly host: string; readonly port: number },
  load: SippLoad,
  begin: (calleePort: number) => void,
): Promise<number | null> {
  const [calleePort, callerPort] = [await freeUdpPort(), await freeUdpPort()]
  const { calls, callsPerSecond, lostPercent } = load
  const common = `-i 127.0.0.1 -nostdin -lost ${lostPercent}`
  const callee = start(`-sf ${CALLEE} -p ${calleePort} ${common}`)
  try {
    begin(calleePort)
    const target = `${server.host}:${server.port}`
    const life = `-m ${calls} -timeout ${LIFE_SECONDS}s -timeout_error`
    const rate = `-r ${callsPerSecond} -d 300 -s lost${lostPercent}`
    const caller = start(`${target} -sn uac -p ${callerPort} ${rate} ${life} ${common}`)
    try {
      return await over(caller)
    } finally {
      caller.kill('SIGKILL')
    }
  } finally {
    callee.kill('SIGKILL')
  }
}

const start = (options: string): ChildProcess =>
  spawn('sipp', options.split(' '), { stdio: 'ignore' })

async function over(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}
