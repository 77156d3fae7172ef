import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { styleText } from 'node:util'
import type { Command } from 'commander'
import { byHand } from '../../sip-scenarios/by-hand.ts'
import { isPlayable } from '../../sip-scenarios/plan.ts'
import { openRig, type Rig, type Target } from '../../sip-scenarios/rig.ts'
import { runScenario, type ScenarioResult } from '../../sip-scenarios/run.ts'
import type { Scenario } from '../../sip-scenarios/scenario.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { startOwnService } from '../../sip-scenarios/service.ts'
import { requireSipp } from '../../sip-scenarios/sipp.ts'
import { AppError } from '../domain/app-error.ts'
import { type Address, parseAddress } from './option-values.ts'

interface ScenariosOptions {
  readonly target?: Address
  readonly api?: string
  readonly apiKey?: string
  readonly localIp: string
  readonly list?: boolean
  readonly byHand?: boolean
  readonly keepLogs?: string
}

/** More would wait for each other on a small machine, and some are about time. */
const SIDE_BY_SIDE = 4

/** `bridgeback scenarios`: replays the SIPp scenarios and checks SIP, the record and the requests. */
export function registerScenarios(program: Command): void {
  program
    .command('scenarios')
    .description('replay call stories with SIPp against a service, and check SIP and money')
    .argument('[names...]', 'only these; all unless given')
    .option('--list', 'say what each proves and run none')
    .option('--by-hand', 'say how to play each with SIPp alone and run none')
    .option(
      '--target <host:port>',
      'where a running service speaks SIP over UDP; else one is started',
      parseAddress,
    )
    .option('--api <url>', "that service's API, as in http://127.0.0.1:8080")
    .option('--api-key <key>', "the administrator's key; or set ADMIN_API_KEY")
    .option('--local-ip <address>', 'where SIPp listens; the service has to reach it', '127.0.0.1')
    .option(
      '--keep-logs <folder>',
      'keep every SIP message there; else only those of failures are kept',
    )
    .action(run)
}

async function run(names: readonly string[], options: ScenariosOptions): Promise<void> {
  const chosen = choose(names)
  const scenarios = chosen.filter((scenario) => isPlayable(scenario, options.localIp))
  const width = Math.max(...chosen.map(({ name }) => name.length))
  if (options.list) {
    for (const { name, proves } of chosen) print(`${name.padEnd(width)}  ${proves}`)
    return
  }
  if (options.byHand) {
    const sip = options.target ?? { host: '127.0.0.1', port: 5060 }
    print(chosen.map((each) => byHand(each, { ...options, sip })).join('\n\n'))
    return
  }
  requireSipp()
  reportLeftOut(chosen.length - scenarios.length)
  const folder = resolve(options.keepLogs ?? (await mkdtemp(join(tmpdir(), 'bridgeback-sipp-'))))
  let failed: number | undefined
  try {
    const results = await onService(options, async (target) => {
      const rig = await openRig({ target, scenarios, localIp: options.localIp, folder })
      try {
        return await runAll(rig, scenarios, (scenario, result) => report(scenario, result, width))
      } finally {
        await rig.close()
      }
    })
    failed = results.filter(({ failures }) => failures.length > 0).length
    print(`\n${results.length - failed} passed, ${failed} failed`)
  } finally {
    const isOfInterest = failed !== undefined && failed > 0
    if (!isOfInterest && options.keepLogs === undefined) await rm(folder, { recursive: true })
  }
  if (failed > 0) process.exitCode = 1
}

/** Nothing is left out in silence. */
function reportLeftOut(count: number): void {
  if (count === 0) return
  print(
    `${count} left out: their callers need addresses of their own, which only a service that runs on ` +
      'this machine and listens on 127.0.0.1 can see, and only on Linux.',
  )
}

/** @throws AppError naming what is unknown */
function choose(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name))
  if (unknown.length > 0) {
    throw new AppError(
      'not_found',
      `There is no scenario called ${unknown.join(' or ')}: see "bridgeback scenarios --list".`,
    )
  }
  return SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name))
}

/** Does `work` on the service that the options name, or on one that is started for it. */
async function onService<T>(
  options: ScenariosOptions,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const { localIp } = options
  if (options.target !== undefined) return work(readTarget(options, options.target))
  const service = await startOwnService({ localIp, env: process.env })
  try {
    return await work(service)
  } finally {
    await service.close()
  }
}

function readTarget({ api, apiKey = process.env.ADMIN_API_KEY }: ScenariosOptions, sip: Address) {
  if (api === undefined || !URL.canParse(api) || !apiKey) {
    throw new AppError(
      'invalid_configuration',
      "--target needs --api and --api-key too: give the URL and key of the service's API.",
    )
  }
  return { sip, api: api.replace(/\/$/, ''), apiKey }
}

/** Runs the scenarios side by side and tells `onResult` of each as soon as it is over. */
async function runAll(
  rig: Rig,
  scenarios: readonly Scenario[],
  onResult: (scenario: Scenario, result: ScenarioResult) => void,
): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = []
  const waiting = scenarios.values()
  const work = async () => {
    for (const scenario of waiting) {
      const result = await runScenario(rig.stage(scenario))
      results.push(result)
      onResult(scenario, result)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
  return results
}

function report({ name, proves }: Scenario, result: ScenarioResult, width: number): void {
  const { failures, seconds, folder } = result
  const verdict = failures.length === 0 ? styleText('green', 'passed') : styleText('red', 'FAILED')
  print(`${verdict}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(4)} s  ${proves}`)
  for (const failure of failures) print(`        ${failure}`)
  if (failures.length > 0) print(`        logs: ${folder}`)
}

const print = (line: string) => void process.stdout.write(`${line}\n`)
