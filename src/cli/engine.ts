import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseHost, parseNameServers, type Parser } from '../config-parsers.ts'
import { AppError } from '../domain/app-error.ts'
import {
  type CertificateFacts,
  type Engine,
  startEngine,
  type TlsFiles,
} from '../sip/engine/engine.ts'
import { sipAddresses } from '../sip/engine/sip-addresses.ts'
import { type Address, addressOption, wholeNumberParser } from './option-values.ts'

interface EngineCommandOptions {
  readonly sip: Address
  readonly admin: Address
  readonly secret?: string
  readonly transports: readonly Transport[]
  readonly tls?: string
  readonly tlsKey?: string
  readonly tlsPort: number
  readonly tlsCa?: string
  readonly nameServers?: readonly string[]
  readonly publicHost?: string
}

type Transport = 'udp' | 'tcp'

const PORT_MAX = 65_535

/** `bridgeback engine`: the embedded SIP engine alone, where drachtio-server would stand. */
export function registerEngine(program: Command): void {
  program
    .command('engine')
    .description('run the embedded SIP engine alone, as a drop-in for drachtio-server')
    .addOption(addressOption('--sip', 'where to speak SIP; port 0 is a free one', 5060))
    .addOption(
      new Option('--transports <names>', 'how to speak SIP: udp, tcp')
        .argParser(parseTransports)
        .default(['udp', 'tcp'], 'udp,tcp'),
    )
    .option(
      '--public-host <host>',
      'what it writes into SIP messages as its own address, behind NAT',
      asInSettings(parseHost),
    )
    .addOption(addressOption('--admin', 'where applications connect; keep it private', 9022))
    .option('--secret <secret>', 'what applications have to know; or set DRACHTIO_SECRET')
    .option('--tls <file>', 'speak TLS with this certificate (PEM); SIGHUP has it read again')
    .option('--tls-key <file>', 'the key of the certificate')
    .option(
      '--tls-port <port>',
      'where to speak TLS, on the host of --sip; 0 is a free one',
      wholeNumberParser({ from: 0, to: PORT_MAX }),
      5061,
    )
    .option('--tls-ca <file>', 'authorities to trust besides the public ones')
    .option(
      '--name-servers <addresses>',
      "DNS servers instead of the machine's, comma-separated",
      asInSettings(parseNameServers),
    )
    .action(runEngine)
}

async function runEngine(options: EngineCommandOptions): Promise<void> {
  const engine = await start(options)
  process.stdout.write(`${describe(engine)}\n`)
  if (options.tls !== undefined) reloadOnHangup(engine)
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stopped.resolve)
  await Promise.race([stopped.promise.then(engine.close), failed(engine)])
}

async function start(options: EngineCommandOptions): Promise<Engine> {
  const { admin, nameServers, publicHost, tlsPort } = options
  const secret = options.secret ?? process.env.DRACHTIO_SECRET
  if (!secret) {
    throw new AppError(
      'invalid_configuration',
      'The engine needs a secret: give it with --secret or in DRACHTIO_SECRET.',
    )
  }
  const tls = readTls(options)
  const transports = tls ? ([...options.transports, 'tls'] as const) : options.transports
  return startEngine(
    {
      sip: sipAddresses({ ...options.sip, publicHost, tlsPort, transports }),
      admin,
      secret,
      ...(tls && { tls }),
      ...(nameServers && { nameServers }),
    },
    complain,
    complain,
  ).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('port_in_use', reason, { cause: error })
  })
}

function complain(problem: unknown): void {
  process.stderr.write(`${problem instanceof Error ? problem.message : String(problem)}\n`)
}

function readTls({ tls, tlsCa, tlsKey }: EngineCommandOptions): TlsFiles | undefined {
  if (tls === undefined && tlsKey === undefined) return undefined
  if (tls !== undefined && tlsKey !== undefined)
    return {
      certificateFile: tls,
      keyFile: tlsKey,
      ...(tlsCa !== undefined && { authoritiesFile: tlsCa }),
    }
  throw new AppError(
    'invalid_configuration',
    'TLS needs a certificate and its key: give both, --tls and --tls-key.',
  )
}

/** Reads an option as the setting of the same meaning is read. */
function asInSettings<Value>(parse: Parser<Value>): (text: string) => Value {
  return (text) => {
    const parsed = parse(text)
    if (parsed.kind === 'value') return parsed.value
    throw new InvalidArgumentError(`It ${parsed.problem}.`)
  }
}

function reloadOnHangup(engine: Engine): void {
  const announce = (certificate: CertificateFacts | undefined): void => {
    if (certificate) process.stdout.write(`${describeCertificate(certificate)}\n`)
  }
  announce(engine.certificate)
  process.on('SIGHUP', () => void engine.reloadCertificate().then(announce, complain))
}

function describeCertificate({ expiresAt, names }: CertificateFacts): string {
  const verb = expiresAt.getTime() < Date.now() ? 'HAS EXPIRED on' : 'is valid until'
  return `  TLS    the certificate of ${names} ${verb} ${expiresAt.toISOString().slice(0, 10)}`
}

function parseTransports(text: string): readonly Transport[] {
  const names = text.split(',').map((name) => name.trim())
  const known = names.filter((name): name is Transport => name === 'udp' || name === 'tcp')
  if (known.length === names.length) return known
  throw new InvalidArgumentError('Write udp, tcp or udp,tcp; for TLS give --tls.')
}

function describe({ sip, admin }: Engine): string {
  const lines = sip.map(({ transport, host, port }) => `  SIP    ${transport}/${host}:${port}`)
  return ['The SIP engine is ready.', ...lines, `  admin  ${admin.host}:${admin.port}`].join('\n')
}

async function failed({ exited }: Engine): Promise<void> {
  const error = await exited
  if (error) throw error
}
