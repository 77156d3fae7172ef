import { cpus, loadavg } from 'node:os'
import type { Command } from 'commander'
import { AppError } from '../domain/app-error.ts'
import type { DrachtioPlace } from './bench/engine-subject.ts'
import { type Figure, formatLine, formatTable } from './bench/figure.ts'
import { type Bench, BENCHES, type BenchOptions } from './bench/registry.ts'
import { type Address, addressOption, parseAddress, wholeNumberParser } from './option-values.ts'

interface BenchCommandOptions {
  readonly json?: boolean
  readonly seconds: number
  readonly drachtio?: Address
  readonly secret: string
  readonly sip: Address
  readonly drachtioPid?: number
}

const SECONDS_DEFAULT = 5
const SECONDS_MAX = 600

/** `bridgeback bench`: the benchmarks, each beside its peer in the same run. */
export function registerBench(program: Command): void {
  program
    .command('bench')
    .description('measure, each figure beside the same of a peer in the same run')
    .argument('[names...]', `which: ${BENCHES.map(({ name }) => name).join(', ')}; all unless said`)
    .option('--json', 'one line of JSON a figure instead of a table')
    .option(
      '--seconds <n>',
      'how long one measurement lasts',
      wholeNumberParser({ to: SECONDS_MAX }),
      SECONDS_DEFAULT,
    )
    .option('--drachtio <host:port>', 'engine: a drachtio-server to compare with', parseAddress)
    .option('--secret <secret>', 'engine: what it wants to be told', 'cymru')
    .addOption(addressOption('--sip', 'engine: where it speaks SIP over UDP', 5060))
    .option(
      '--drachtio-pid <n>',
      'engine: its process, found by its port unless given',
      wholeNumberParser(),
    )
    .addHelpText('after', () => `\n${BENCHES.map(describe).join('\n')}`)
    .action(runBenches)
}

const describe = ({ name, about }: Bench): string => `  ${name}  ${about}`

async function runBenches(names: readonly string[], options: BenchCommandOptions): Promise<void> {
  const benches = names.length === 0 ? BENCHES : names.map(find)
  const progress = (text: string) => void process.stderr.write(`${text}\n`)
  const machine = describeMachine()
  progress(machine)
  const printer = options.json ? printLines : collectTable(machine)
  const given = { seconds: options.seconds, progress, ...peerOf(options) }
  await measure(benches, given, printer)
}

/** What is done with the figures of a bench once it has ended. */
interface Printer {
  readonly add: (figures: readonly Figure[]) => void
  readonly end: () => void
}

/**
 * Runs one bench after the other. What was measured is printed, whatever becomes of the bench after it.
 * @throws what a bench throws; those that follow it are not run
 */
async function measure(
  benches: readonly Bench[],
  options: BenchOptions,
  { add, end }: Printer,
): Promise<void> {
  try {
    for (const bench of benches) add(await bench.run(options))
  } finally {
    end()
  }
}

const printLines: Printer = {
  add: (figures) =>
    void process.stdout.write(figures.map((each) => `${formatLine(each)}\n`).join('')),
  end: () => {},
}

/** Columns are as wide as the widest of all, so that a table can be printed at the end only. */
function collectTable(machine: string): Printer {
  const all: Figure[] = []
  return {
    add: (figures) => void all.push(...figures),
    end() {
      if (all.length > 0) process.stdout.write(`${machine}\n\n${formatTable(all)}\n`)
    },
  }
}

function peerOf({ drachtio, drachtioPid, secret, sip }: BenchCommandOptions): {
  readonly drachtio?: DrachtioPlace
} {
  return drachtio ? { drachtio: { admin: drachtio, pid: drachtioPid, secret, sip } } : {}
}

function find(name: string): Bench {
  const bench = BENCHES.find((each) => each.name === name)
  if (bench) return bench
  const known = BENCHES.map((each) => each.name).join(', ')
  throw new AppError('not_found', `There is no bench "${name}": choose from ${known}.`)
}

/** What the figures hold for. Load and what is loaded share it with whatever else goes on there. */
function describeMachine(): string {
  const all = cpus()
  const model = all[0]?.model.trim() ?? 'unknown processor'
  const [busy = 0] = loadavg()
  return [
    `${all.length} × ${model}`,
    process.platform,
    `Node ${process.versions.node}`,
    'load generator on the same machine',
    `load average ${busy.toFixed(1)} before the start`,
  ].join(', ')
}
