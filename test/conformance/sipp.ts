import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Longer than any message is repeated for, twice. */
const LIFE_SECONDS = 90

/** What the two SIPps of a run said at their end: 0 if every call of theirs was complete. */
export interface SippOutcome {
  readonly caller: number | null
  readonly callee: number | null
}

/** How many calls at which rate, and how much of every hundred messages each side loses. */
export interface SippLoad {
  readonly calls: number
  readonly callsPerSecond: number
  readonly lostPercent: number
}

/**
 * Calls through a server that bridges to the port `begin` is told: SIPp on both sides, with the scenarios
 * it brings with it.
 *
 * @throws an Error if SIPp is not installed
 */
export async function callThrough(
  server: { readonly host: string; readonly port: number },
  load: SippLoad,
  begin: (calleePort: number) => void,
): Promise<SippOutcome> {
  const [calleePort, callerPort] = [await freePort(), await freePort()]
  const { calls, callsPerSecond, lostPercent } = load
  const common = `-i 127.0.0.1 -nostdin -m ${calls} -lost ${lostPercent} -timeout ${LIFE_SECONDS}s`
  const callee = start(`-sn uas -p ${calleePort} ${common}`)
  try {
    begin(calleePort)
    const target = `${server.host}:${server.port}`
    const rate = `-r ${callsPerSecond} -d 300 -s lost${lostPercent}`
    const caller = start(`${target} -sn uac -p ${callerPort} ${rate} ${common}`)
    try {
      return { caller: await over(caller), callee: await over(callee) }
    } finally {
      caller.kill('SIGKILL')
    }
  } finally {
    callee.kill('SIGKILL')
  }
}

const start = (options: string): ChildProcess =>
  spawn('sipp', [...options.split(' '), '-timeout_error'], { stdio: 'ignore' })

async function over(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

/** A port that was free a moment ago: SIPp cannot be asked which one it took. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}
