/**
 * The process: reads the settings, starts the service, stops it on a signal, and says what happened with
 * its exit code.
 */
import { type Bridge, startBridge } from './bridge.ts'
import { parseConfig } from './config.ts'

/** Runs the service until it is told to stop. Sets the exit code: 0 stopped, 1 could not start. */
export async function run(env: NodeJS.ProcessEnv): Promise<void> {
  const bridge = await start(env)
  if (!bridge) return
  announce(bridge)
  const { reloadCertificate } = bridge
  // Without TLS a closed terminal ends the process, as everywhere.
  if (reloadCertificate) process.on('SIGHUP', () => void reloadCertificate())
  const signal = await nextSignal()
  process.stderr.write(`${signal}: taking no new calls, waiting for those that are up\n`)
  onLaterSignal(() => process.exit(1))
  await bridge.close()
  process.exit(0)
}

async function start(env: NodeJS.ProcessEnv): Promise<Bridge | undefined> {
  try {
    return await startBridge(parseConfig(env))
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`)
    process.exitCode = 1
    return undefined
  }
}

/** What a person can act on is one sentence; anything else is a bug and wants its stack. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'AppError' ? error.message : (error.stack ?? error.message)
}

function announce({ addresses, adminApiKey, secretsWrittenTo }: Bridge): void {
  const lines = ['Bridgeback is ready.']
  if (addresses.sip.length > 0) lines.push(`  SIP        ${addresses.sip.join('  ')}`)
  if (addresses.http !== undefined) {
    lines.push(`  postbacks  ${addresses.postbacks}/calls/{uuid}/set_value?key={key}&revenue=10.00`)
    lines.push(`  dashboard  ${addresses.http}/`)
    lines.push(`  API        ${addresses.http}/api/v1`)
  }
  if (secretsWrittenTo !== undefined) {
    lines.push(`  API key    ${adminApiKey}  (shown this once; kept in ${secretsWrittenTo})`)
  }
  process.stderr.write(`${lines.join('\n')}\n`)
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}

/** One press of Ctrl-C comes twice where what runs the process, as `node --watch` does, passes it on. */
const SAME_PRESS_MS = 500

function onLaterSignal(act: () => void): void {
  const since = performance.now()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (performance.now() - since > SAME_PRESS_MS) act()
    })
  }
}

if (import.meta.main) await run(process.env)
