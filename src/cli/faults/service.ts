/**
 * The service under the fault harness, a process of its own that is killed again and again: database
 * pool, flow, settlement, delivery and HTTP as `startBridge` puts them together, without SIP. Calls
 * come in by a route that takes them through the steps of the flow, so that the harness knows exactly
 * what was acknowledged; what becomes of SIP in a crash is tested with real phones elsewhere.
 */
import { flushCompileCache } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { isConnectionFailure, openDatabase } from '../../db/pool.ts'
import type { Database } from '../../db/queryable.ts'
import { buildAddressPolicy } from '../../delivery/address-policy.ts'
import { createTrials } from '../../delivery/trial.ts'
import { startDeliveryWorker } from '../../delivery/worker.ts'
import { NOT_YET_KNOWN } from '../../domain/call.ts'
import type { Buyer, CampaignRules } from '../../domain/campaign.ts'
import { anchorLedger } from '../../flow/anchor-ledger.ts'
import { type ConfigurationView, startConfigurationView } from '../../flow/configuration-view.ts'
import { expirePostbacks } from '../../flow/expire-postbacks.ts'
import type { FlowDeps } from '../../flow/flow-deps.ts'
import { startLoop } from '../../flow/loop.ts'
import { createSteps, type Steps } from '../../flow/steps.ts'
import { buildServer, startHttp } from '../../http/server.ts'
import { createCallKeys } from '../../keys.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** What the harness tells a service that it starts. */
export interface ServiceSettings {
  readonly connection: Parameters<typeof openDatabase>[0]['connection']
  /** 0 takes a free one. */
  readonly port: number
  readonly keySecret: string
}

/** Exit code where the database was away at the start: whoever starts the service tries again. */
export const DATABASE_AWAY = 75

const CONNECTIONS_MAX = 12
const EXPIRY_MS = 100
/** An anchor takes two rounds of one life, and a life is short. */
const ANCHOR_MS = 200
/** Recovery after a crash takes a lease, so the run would last as long as the usual 15 s each time. */
const LEASE_MS = 3_000
const DEADLINE_MS = 2_000
const PER_HOST_MAX = 16
const CONCURRENCY = 32

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Starts everything; gives the port that HTTP listens on. */
async function startService({ connection, port, keySecret }: ServiceSettings): Promise<number> {
  const database = openDatabase({ connection, max: CONNECTIONS_MAX })
  const keys = createCallKeys([{ version: 1, secret: keySecret }])
  const policy = buildAddressPolicy(['127.0.0.0/8'])
  const view = await startConfigurationView(database, { log: () => {} })
  const worker = startDeliveryWorker({
    database,
    keys: keys.derive,
    policy,
    log: () => {},
    leaseMs: LEASE_MS,
    deadlineMs: DEADLINE_MS,
    perHostMax: PER_HOST_MAX,
    concurrency: CONCURRENCY,
  })
  const deps: FlowDeps = {
    database,
    campaignRules: view.campaignRules,
    names: () => ({ campaignName: '', publisherName: '', buyerName: undefined }),
    wakeDelivery: () => worker.wake(),
    log: silent,
  }
  const steps = createSteps(deps, new AbortController().signal)
  startLoop({
    name: 'expire-postbacks',
    everyMs: EXPIRY_MS,
    round: async () => (await expirePostbacks(deps)).isFull,
    log: silent,
  })
  startLoop({
    name: 'anchor-ledger',
    everyMs: ANCHOR_MS,
    round: anchorLedger({ database, log: silent }),
    log: silent,
  })
  const app = buildServer({
    logger: silent,
    database,
    adminApiKey: keySecret,
    checkKey: keys.check,
    receivePostback: steps.receivePostback,
    recordRefusal: steps.recordRefusal,
    refreshConfiguration: view.refresh,
    wakeDelivery: () => worker.wake(),
    runTrial: createTrials({ policy }).run,
    readiness: {},
  })
  app.post<{ Params: { uuid: string; campaign: string } }>(
    '/faults/calls/:campaign/:uuid',
    async ({ params }, reply) => {
      await runCall({ database, steps, view }, params.uuid, params.campaign)
      return reply.code(204).send()
    },
  )
  return (await startHttp(app, { host: '127.0.0.1', port })).port
}

interface Running {
  readonly database: Database
  readonly steps: Steps
  readonly view: ConfigurationView
}

/**
 * Takes a call through its steps, from wherever an earlier process has left it. Resolves once its end
 * is stored.
 */
async function runCall(running: Running, callUuid: string, campaignId: string): Promise<void> {
  const { database, steps, view } = running
  const { campaign, buyer } = view.current()
  const rules = campaign(campaignId)
  const chosen = buyer('buyer')
  if (!rules || !chosen) throw new Error('the configuration is not there')
  const { rows } = await database.query<{ state: string }>(
    `select state from calls where call_uuid = $1`,
    [callUuid],
  )
  const state = rows[0]?.state
  const facts = factsOf(callUuid, campaignId)
  if (state === undefined) await begin(steps, rules, chosen, facts)
  if (state === undefined || state === 'ringing') {
    const leg = { leg: 1, answeredAtMs: performance.now() }
    const started = { ...facts, startedAt: new Date() }
    await steps.bridgeCall({ facts: started, rules, buyerId: 'buyer', leg, lost: [] })
  }
  if (state === 'ended') return
  await steps.endCall({
    callUuid,
    endedAtMs: performance.now(),
    connectedMs: 60_000,
    totalMs: 65_000,
    hungUpBy: 'caller',
    endReason: 'caller_hung_up',
    sipStatus: 200,
    legs: [],
  })
}

function factsOf(callUuid: string, campaignId: string) {
  return {
    callUuid,
    campaignId,
    campaignVersion: 1,
    publisherId: 'publisher',
    subId: undefined,
    callerNumber: '+12125550100',
    dialedNumber: '+18005550100',
    tags: {},
    ...NOT_YET_KNOWN,
  }
}

async function begin(
  steps: Steps,
  rules: CampaignRules,
  buyer: Buyer,
  facts: ReturnType<typeof factsOf>,
): Promise<void> {
  await steps.beginCall({
    facts,
    rules,
    processId: uuidv7(),
    trunkId: undefined,
    sipCallId: `${facts.callUuid}@faults`,
    startedAgoMs: 0,
    routing: {
      routes: rules.routes,
      publisherId: facts.publisherId,
      callerNumber: facts.callerNumber,
      findBuyer: () => buyer,
      isReachable: () => true,
      random: () => 0.5,
    },
  })
}

const DATABASE_POLL_MS = 50
const DATABASE_AWAY_MS_MAX = 10_000

/** Starting takes longer than waiting, so a database that has crashed is waited for, within limits. */
async function untilDatabase({ connection }: ServiceSettings): Promise<void> {
  const giveUpAtMs = performance.now() + DATABASE_AWAY_MS_MAX
  const database = openDatabase({ connection, max: 1 })
  const isThere = () => database.query('select').then(() => true, isNoOutage)
  while (!(await isThere()) && performance.now() < giveUpAtMs) await delay(DATABASE_POLL_MS)
  await database.close()
}

function isNoOutage(error: unknown): boolean {
  return !isConnectionFailure(error)
}

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2] ?? '{}') as ServiceSettings
  // Without its harness it would run for ever.
  process.once('disconnect', () => process.exit(1))
  try {
    await untilDatabase(settings)
    process.send?.({ port: await startService(settings) })
    // Usually done at the end of a process, which this one does not live to see.
    flushCompileCache()
  } catch (error) {
    if (!isConnectionFailure(error)) throw error
    process.exit(DATABASE_AWAY)
  }
}
