import assert from 'node:assert/strict'
import { v7 as uuidv7 } from 'uuid'
import { readBridgeMetrics } from './bridge-metrics.ts'
import type { Config } from './config.ts'
import { startEmbeddedPostgres } from './db/embedded.ts'
import { migrate } from './db/migrate.ts'
import { analyzeHotTables, ensurePartitions } from './db/partitions.ts'
import { type OpenDatabase, openDatabase } from './db/pool.ts'
import { beat } from './db/processes.ts'
import { buildAddressPolicy, checkUrl } from './delivery/address-policy.ts'
import { createTrials } from './delivery/trial.ts'
import { startDeliveryWorker } from './delivery/worker.ts'
import { anchorLedger } from './flow/anchor-ledger.ts'
import type { ConfigurationSnapshot } from './domain/configuration-snapshot.ts'
import { type ConfigurationView, startConfigurationView } from './flow/configuration-view.ts'
import { expirePostbacks } from './flow/expire-postbacks.ts'
import type { FlowDeps } from './flow/flow-deps.ts'
import { startLoop } from './flow/loop.ts'
import { recoverCalls, watchForForgottenCalls, watchForLostCalls } from './flow/recover-calls.ts'
import { createSteps, type Steps } from './flow/steps.ts'
import { publicUrlOf } from './http/public-url.ts'
import { buildServer, startHttp } from './http/server.ts'
import { type CallKeys, createCallKeys } from './keys.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { type SipController, startController } from './sip/controller.ts'
import { type EmbeddedEngine, startEmbeddedEngine } from './embedded-engine.ts'
import type { EngineOptions } from './sip/engine/engine.ts'
import { createEventMetrics, type EventMetrics } from './telemetry/event-metrics.ts'
import { createLogger, type Log, type Logger } from './telemetry/logger.ts'

/** A running service. */
export interface Bridge {
  readonly addresses: {
    /** Base of API and dashboard on this machine; undefined where this process does not do HTTP. */
    readonly http: string | undefined
    /** Base of the postback URLs of buyers; undefined where this process does not do HTTP. */
    readonly postbacks: string | undefined
    /** As the SIP server names them, for example `udp/127.0.0.1:5060`. */
    readonly sip: readonly string[]
  }
  readonly adminApiKey: string
  /** Where generated secrets were written just now; undefined if they were there or configured. */
  readonly secretsWrittenTo: string | undefined
  /** Reads the certificate of SIP over TLS again; undefined where this process has none. */
  readonly reloadCertificate: (() => Promise<void>) | undefined
  /** Takes no new calls, lets live ones finish up to the limit, and releases everything. */
  readonly close: () => Promise<void>
}

/** What tests and the demo set differently. */
export interface BridgeOverrides {
  readonly log?: Log
  readonly engineTimers?: EngineOptions['timers']
}

const CONNECTIONS_MAX = 20
const HEARTBEAT_MS = 5_000
const EXPIRY_MS = 100
const ANCHOR_MS = 1_000
const PARTITIONS_MS = 12 * 3_600_000
const SIP_CONNECT_TIMEOUT_MS = 5_000
const CALL_MS_MAX = 4 * 3_600_000

/** Everything that is open, to be closed in reverse order. */
interface Opened {
  readonly closers: (() => Promise<unknown>)[]
}

/**
 * Starts the service: what the roles of `config` name, on one database.
 * @throws AppError saying what is wrong and what to do; nothing is left running then
 */
export async function startBridge(
  config: Config,
  overrides: BridgeOverrides = {},
): Promise<Bridge> {
  const opened: Opened = { closers: [] }
  try {
    return await open(config, overrides, opened)
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

async function open(config: Config, overrides: BridgeOverrides, opened: Opened): Promise<Bridge> {
  const events = createEventMetrics()
  const logger = events.watch(
    overrides.log ? loggerTo(overrides.log) : createLogger({ level: config.logLevel }),
  )
  const secrets = await loadSecrets(config)
  const keys = createCallKeys(secrets.callKeySecrets)
  const database = await openStore(config, logger, opened)
  const followers: ConfigurationFollower[] = []
  const view = await startConfigurationView(database, {
    log: logger.info,
    onChange: (snapshot) => {
      for (const follow of followers) follow(snapshot)
    },
  })
  opened.closers.push(view.close)

  const parts: Parts = { config, logger, events, secrets, keys, database, view, followers, opened }
  const deps = flowDeps(parts, startDelivery(parts))
  const stop = new AbortController()
  const steps = createSteps(deps, stop.signal)
  await startSettlement(parts, deps)
  const state: { sip?: SipRole } = {}
  const http = await startHttpRole(parts, steps, { state, wakeDelivery: deps.wakeDelivery })
  opened.closers.push(async () => stop.abort())
  const sip = await startSipRole(parts, { deps, steps }, overrides)
  if (sip) state.sip = sip
  return {
    addresses: {
      http,
      postbacks: http && (publicUrlOf(config.publicUrl, config.http) ?? http),
      sip: sip?.controller.hostports ?? [],
    },
    reloadCertificate: config.sip.tls && sip?.engine?.reloadCertificate,
    adminApiKey: secrets.adminApiKey,
    secretsWrittenTo: secrets.generated ? secrets.file : undefined,
    close: () => closeAll(opened),
  }
}

type ConfigurationFollower = (snapshot: ConfigurationSnapshot) => void

interface Parts {
  readonly config: Config
  readonly logger: Logger
  readonly events: EventMetrics
  readonly secrets: Secrets
  readonly keys: CallKeys
  readonly database: OpenDatabase
  readonly view: ConfigurationView
  /** Told of every change of the configuration. */
  readonly followers: ConfigurationFollower[]
  readonly opened: Opened
}

async function openStore(config: Config, logger: Logger, opened: Opened): Promise<OpenDatabase> {
  const { databaseUrl, dataDir } = config
  let connection: Parameters<typeof openDatabase>[0]['connection'] = {
    connectionString: databaseUrl,
  }
  if (databaseUrl === undefined) {
    const embedded = await startEmbeddedPostgres({ dataDir, log: logger.info })
    opened.closers.push(embedded.close)
    connection = embedded.connection
  }
  const database = openDatabase({ connection, max: CONNECTIONS_MAX, log: logger.warn })
  opened.closers.push(() => database.close())
  await migrate(database)
  await ensurePartitions(database)
  await analyzeHotTables(database)
  return database
}

/** Starts the delivery worker where this process delivers; the way to wake it. */
function startDelivery({ config, database, keys, logger, opened }: Parts): () => void {
  if (!config.roles.has('delivery')) return () => {}
  const worker = startDeliveryWorker({
    database,
    keys: keys.derive,
    policy: buildAddressPolicy(config.allowPrivateTargets),
    proxyUrl: config.trackingProxyUrl,
    contactUrl: config.contactUrl,
    log: logger.info,
  })
  opened.closers.push(() => worker.close())
  return () => worker.wake()
}

function flowDeps({ database, view, logger }: Parts, wakeDelivery: () => void): FlowDeps {
  return {
    database,
    campaignRules: view.campaignRules,
    names: namesIn(view),
    wakeDelivery,
    log: logger,
  }
}

function namesIn(view: ConfigurationView): FlowDeps['names'] {
  return ({ campaignId, publisherId, buyerId }) => {
    const { campaign, publisher, buyer } = view.current()
    return {
      campaignName: campaign(campaignId)?.name ?? '',
      publisherName: publisher(publisherId)?.name ?? '',
      buyerName: buyerId === undefined ? undefined : buyer(buyerId)?.name,
    }
  }
}

async function startSettlement(
  { config, database, logger, opened }: Parts,
  deps: FlowDeps,
): Promise<void> {
  if (!config.roles.has('settlement')) return
  // An embedded database is ours alone: whoever held calls in it before is gone.
  if (config.databaseUrl === undefined) while ((await recoverCalls(deps, 0)).isFull);
  const log = logger
  const loops = [
    startLoop({
      name: 'expire-postbacks',
      everyMs: EXPIRY_MS,
      round: async () => (await expirePostbacks(deps)).isFull,
      log,
    }),
    startLoop({
      name: 'anchor-ledger',
      everyMs: ANCHOR_MS,
      round: anchorLedger({ database, log }),
      log,
    }),
    startLoop({
      name: 'recover-calls',
      everyMs: HEARTBEAT_MS,
      round: watchForLostCalls(deps),
      log,
    }),
    startLoop({
      name: 'partitions',
      everyMs: PARTITIONS_MS,
      round: () => ensurePartitions(database).then(() => false),
      log,
    }),
  ]
  opened.closers.push(() => Promise.all(loops.map((loop) => loop.close())))
}

interface HttpContext {
  readonly state: { readonly sip?: SipRole }
  readonly wakeDelivery: () => void
}

async function startHttpRole(
  { config, database, events, keys, logger, opened, secrets, view }: Parts,
  steps: Steps,
  { state, wakeDelivery }: HttpContext,
): Promise<string | undefined> {
  if (!config.roles.has('http')) return undefined
  const policy = buildAddressPolicy(config.allowPrivateTargets)
  const { trackingProxyUrl: proxyUrl, contactUrl } = config
  const trials = createTrials({ policy, proxyUrl, contactUrl })
  opened.closers.push(() => trials.close())
  const app = buildServer({
    logger,
    database,
    adminApiKey: secrets.adminApiKey,
    trustProxy: config.trustProxy,
    checkKey: keys.check,
    receivePostback: steps.receivePostback,
    recordRefusal: steps.recordRefusal,
    checkUrl: (url) => checkUrl(policy, url),
    refreshConfiguration: view.refresh,
    runTrial: trials.run,
    wakeDelivery,
    publicUrl: publicUrlOf(config.publicUrl, config.http),
    readMetrics: () =>
      readBridgeMetrics({ events, poolUsage: database.usage, engine: () => state.sip?.engine }),
    readiness: {
      database: () => database.query('select').then(() => true),
      sip: () => !config.roles.has('sip') || (state.sip?.controller.isConnected() ?? false),
    },
  })
  const server = await startHttp(app, config.http)
  opened.closers.push(() => server.close())
  return server.url
}

interface SipRole {
  readonly controller: SipController
  /** Undefined where a drachtio-server takes its place. */
  readonly engine: EmbeddedEngine | undefined
}

async function startSipRole(
  parts: Parts,
  { deps, steps }: { readonly deps: FlowDeps; readonly steps: Steps },
  { engineTimers }: BridgeOverrides,
): Promise<SipRole | undefined> {
  const { config, database, keys, logger, opened, view } = parts
  if (!config.roles.has('sip')) return undefined
  const log = logger
  const processId = uuidv7()
  await beat(database, processId)
  const heartbeat = startLoop({
    name: 'heartbeat',
    everyMs: HEARTBEAT_MS,
    round: () => beat(database, processId).then(() => false),
    log: logger,
  })
  opened.closers.push(heartbeat.close)
  const engine = config.drachtio ? undefined : await startEngineRole(parts, engineTimers)
  const server = config.drachtio ?? engine?.server
  assert(server)
  const controller = await startController({
    server,
    directory: view.current,
    connectTimeoutMs: SIP_CONNECT_TIMEOUT_MS,
    flow: steps,
    keys,
    headerNames: config.callHeaders,
    processId,
    names: namesIn(view),
    random: Math.random,
    callMsMax: CALL_MS_MAX,
    log,
  })
  opened.closers.push(() => controller.close(config.drainTimeoutMs))
  const forgotten = startLoop({
    name: 'forgotten-calls',
    everyMs: HEARTBEAT_MS,
    round: watchForForgottenCalls(deps, { processId, live: controller.liveCallUuids }),
    log,
  })
  opened.closers.push(forgotten.close)
  return { controller, engine }
}

async function startEngineRole(
  { config, followers, logger, opened, view }: Parts,
  timers: EngineOptions['timers'],
): Promise<EmbeddedEngine> {
  const engine = await startEmbeddedEngine(config.sip, {
    log: logger,
    exempt: trunkAddresses(view.current()),
    ...(timers && { timers }),
  })
  followers.push((snapshot) => engine.setExempt(trunkAddresses(snapshot)))
  engine.setExempt(trunkAddresses(view.current())) // it may have changed while the engine was started
  opened.closers.push(engine.close)
  return engine
}

/**
 * Trunks send many calls from few addresses: their limits are their own, not those of strangers. Without any
 * trunk it is this machine that may call.
 */
const trunkAddresses = ({ trunks }: ConfigurationSnapshot): readonly string[] =>
  trunks.length === 0 ? ['127.0.0.0/8', '::1'] : trunks.flatMap(({ allow }) => allow)

/** Closes in reverse order; one that fails does not keep the others open. */
async function closeAll({ closers }: Opened): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close().catch(() => {})
}

const loggerTo = (log: Log): Logger => ({ debug: () => {}, info: log, warn: log, error: log })
