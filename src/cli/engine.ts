import type { Command } from 'commander'
import { AppError } from '../domain/app-error.ts'
import { type Engine, startEngine } from '../sip/engine/engine.ts'

interface EngineCommandOptions {
  readonly sip: string
  readonly admin: string
  readonly secret?: string
  readonly transports: string
}

/** `bridgeback engine`: the embedded SIP engine alone, where drachtio-server would stand. */
export function registerEngine(program: Command): void {
  program
    .command('engine')
    .description('run the embedded SIP engine alone, as a drop-in for drachtio-server')
    .option('--sip <host:port>', 'where to speak SIP; port 0 is a free one', '127.0.0.1:5060')
    .option('--transports <names>', 'how to speak SIP: udp, tcp', 'udp,tcp')
    .option('--admin <host:port>', 'where applications connect; keep it private', '127.0.0.1:9022')
    .option('--secret <secret>', 'what applications have to know; or set DRACHTIO_SECRET')
    .action(runEngine)
}

async function runEngine(options: EngineCommandOptions): Promise<void> {
  const engine = await start(options)
  process.stdout.write(`${describe(engine)}\n`)
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stopped.resolve)
  await Promise.race([stopped.promise.then(engine.close), failed(engine)])
}

async function start(options: EngineCommandOptions): Promise<Engine> {
  const { host, port } = parseAddress(options.sip, '--sip')
  const secret = options.secret ?? process.env.DRACHTIO_SECRET
  if (!secret) {
    throw new AppError(
      'invalid_configuration',
      'The engine needs a secret: give it with --secret or in DRACHTIO_SECRET.',
    )
  }
  const admin = parseAddress(options.admin, '--admin')
  const sip = parseTransports(options.transports).map((transport) => ({ transport, host, port }))
  return startEngine({ sip, admin, secret }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('port_in_use', reason, { cause: error })
  })
}

/** Reads `127.0.0.1:5060` or `[::1]:5060`; `option` is named in the error. */
function parseAddress(text: string, option: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port <= 65_535) return { host, port }
  throw new AppError(
    'invalid_configuration',
    `${option} "${text}" is not an address: write it as 127.0.0.1:5060.`,
  )
}

type Transport = 'udp' | 'tcp'

function parseTransports(text: string): readonly Transport[] {
  const names = text.split(',').map((name) => name.trim())
  const known = names.filter((name): name is Transport => name === 'udp' || name === 'tcp')
  if (known.length === names.length) return known
  throw new AppError(
    'invalid_configuration',
    `--transports "${text}" is not known: write udp, tcp or udp,tcp.`,
  )
}

function describe({ sip, admin }: Engine): string {
  const lines = sip.map(({ transport, host, port }) => `  SIP    ${transport}/${host}:${port}`)
  return ['The SIP engine is ready.', ...lines, `  admin  ${admin.host}:${admin.port}`].join('\n')
}

async function failed({ exited }: Engine): Promise<void> {
  const error = await exited
  if (error) throw error
}
