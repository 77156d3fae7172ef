import { v7 as uuidv7 } from 'uuid'
import type { Database, Queryable } from '../../src/db/queryable.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import { type CallEnd, endCalls } from '../../src/flow/end-call.ts'
import { createSteps, type Steps } from '../../src/flow/steps.ts'
import { silent } from '../support/flow.ts'
import type { TestDatabase } from '../support/database.ts'
import { type Bug, type Fault, withBug } from './bugs.ts'
import { type Chance, createChance } from './chance.ts'
import { type Asked, explain, type Seen } from './explain.ts'
import { aModelCall, type ModelCall, type Post, queryOf } from './model.ts'
import { rulesOf, VARIANTS } from './rules.ts'

/** One of two processes on the same database. */
interface Process {
  readonly deps: FlowDeps
  readonly steps: Steps
}

/** A call and every state that the model allows it. */
interface Played {
  readonly callUuid: string
  readonly version: number
  states: readonly ModelCall[]
  readonly told: string[]
}

/** How a wave of histories is played. */
export interface WaveOptions {
  readonly bug: Bug
  readonly seed: number
  readonly calls: number
}

/** Clock readings of a wave, in seconds after its calls ended: forth, past the deadline, back and far. */
const CLOCKS: readonly [readonly number[], ...(readonly number[])[]] = [
  [0, 300, 600, 601, 1_200],
  [0, 599, 560, 640, 5_000],
  [0, 100, 700, 650, 1_600],
]
/** Real time goes on as well: nearer to a deadline than this, either side of it is right. */
const SLACK_SECONDS = 20

const FAULTY_SHARE = 0.04

/**
 * Plays the histories of many calls at once, on two processes, and explains each step of each with the
 * model. Gives what could not be explained, a line each.
 */
export async function playWave(
  database: TestDatabase,
  { bug, seed, calls }: WaveOptions,
): Promise<readonly string[]> {
  const chance = createChance(seed)
  const fault = (): Fault =>
    chance.isLucky(FAULTY_SHARE) ? chance.oneOf(['rolled_back', 'answer_lost']) : undefined
  const processes = [openProcess(database, bug, fault), openProcess(database, bug, fault)] as const
  await database.setClock('0')
  const played = await beginCalls(database, chance, calls)
  const wrong: string[] = []
  const check = async (asked: ReadonlyMap<string, readonly Asked[]>, clock: number | undefined) =>
    wrong.push(...(await checkAll(database, played, asked, clock)))

  await check(await ask(processes, chance, played, {}), undefined)
  await check(await ask(processes, chance, played, { isEnd: true }), undefined)
  for (const clock of chance.oneOf(CLOCKS)) {
    await database.setClock(`${clock} seconds`)
    await check(await ask(processes, chance, played, { clock }), clock)
    if (wrong.length > 0) return wrong
  }
  return wrong
}

function openProcess(database: Database, bug: Bug, fault: () => Fault): Process {
  const deps: FlowDeps = {
    database: withBug(database, bug, fault),
    campaignRules: async (_, version) => rulesOf(version),
    names: () => ({ campaignName: 'Solar', publisherName: 'Acme', buyerName: 'Solar Direct' }),
    wakeDelivery: () => {},
    log: silent,
  }
  return { deps, steps: createSteps(deps, new AbortController().signal) }
}

/** Makes the versions of the campaign known to the database. */
export async function storeVersions(db: Queryable): Promise<void> {
  for (const version of VARIANTS.keys()) {
    await db.query(`insert into campaign_versions values ('solar', $1, '{}')`, [version + 1])
  }
}

/** Calls that are under way, with leg 1. */
async function beginCalls(db: Queryable, chance: Chance, calls: number): Promise<Played[]> {
  const played = Array.from({ length: calls }, (): Played => {
    const version = 1 + chance.below(VARIANTS.length)
    return { callUuid: uuidv7(), version, states: [aModelCall(version)], told: [] }
  })
  await db.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id,
                        buyer_id, bridged_leg, dialed_number, sip_call_id, state, started_at, answered_at)
     select call_uuid, gen_random_uuid(), 'solar', version, 'acme', 'solar-direct', 1, '+18005550100',
            'a@b', 'bridged', app_now(), app_now()
       from unnest($1::uuid[], $2::int[]) as new (call_uuid, version)`,
    [played.map(({ callUuid }) => callUuid), played.map(({ version }) => version)],
  )
  return played
}

/** What is asked of all calls at the same time. */
async function ask(
  processes: readonly [Process, Process],
  chance: Chance,
  played: readonly Played[],
  { isEnd = false, clock }: { readonly isEnd?: boolean; readonly clock?: number },
): Promise<ReadonlyMap<string, readonly Asked[]>> {
  const asked = new Map<string, Asked[]>(played.map(({ callUuid }) => [callUuid, []]))
  const running: Promise<unknown>[] = []
  const ending = createEnding(processes, chance)
  for (const { callUuid, version } of played) {
    const list = asked.get(callUuid) ?? []
    if (isEnd) list.push({ kind: 'end', isCertain: true })
    const isEndFirst = chance.isLucky(0.5)
    if (isEnd && isEndFirst) running.push(ending.add(callUuid))
    for (let left = chance.below(isEnd || clock === undefined ? 2 : 3); left > 0; left--) {
      running.push(
        send(chance.oneOf(processes), callUuid, aPost(chance)).then((one) => list.push(one)),
      )
    }
    if (isEnd && !isEndFirst) running.push(ending.add(callUuid))
    if (clock !== undefined) list.push(...expiryAt(version, clock))
  }
  running.push(ending.flush())
  if (clock !== undefined) running.push(...processes.map(({ deps }) => expireAll(deps)))
  await Promise.all(running)
  if (clock !== undefined) await expireAll(processes[0].deps)
  return asked
}

const ENDED_AT_ONCE_MAX = 12

/** Ends calls a few at a time, as those that end in the same moment are; either process may be the one. */
function createEnding(processes: readonly [Process, Process], chance: Chance) {
  let waiting: string[] = []
  const flush = async (): Promise<void> => {
    const callUuids = waiting
    waiting = []
    if (callUuids.length === 0) return
    await untilDone(() => endCalls(chance.oneOf(processes).deps, callUuids.map(anEnd)))
  }
  return {
    flush,
    async add(callUuid: string): Promise<void> {
      waiting.push(callUuid)
      if (waiting.length > chance.below(ENDED_AT_ONCE_MAX)) await flush()
    },
  }
}

const anEnd = (callUuid: string): CallEnd => ({
  callUuid,
  endedAtMs: performance.now(),
  connectedMs: 60_000,
  totalMs: 70_000,
  hungUpBy: 'caller',
  endReason: 'caller_hung_up',
  sipStatus: 200,
  legs: [],
})

function expiryAt(version: number, clock: number): readonly Asked[] {
  const timeout = VARIANTS[version - 1]?.timeoutSeconds ?? 0
  if (clock < timeout - SLACK_SECONDS) return []
  return [{ kind: 'expire', isCertain: clock > timeout + 0.5 }]
}

function aPost(chance: Chance): Post {
  const txid = chance.isLucky(0.3) ? { txid: chance.oneOf(['a', 'b']) } : {}
  const cents = chance.oneOf([100n, 1_000n, 1_000n, 1_050n, 3_333n, 0n, 7n])
  return chance.oneOf<Post>([
    { cents, ...txid },
    { cents, ...txid },
    { cents },
    { isSale: true, ...txid },
    { isSale: true, cents },
    { isReversed: true, ...txid },
    {},
  ])
}

async function send({ steps }: Process, callUuid: string, post: Post): Promise<Asked> {
  const text = { query: queryOf(post), body: '' }
  const request = {
    callUuid,
    leg: 1,
    text,
    source: '::1',
    method: 'GET',
    isPrefetch: false,
  } as const
  try {
    const { status, revenue, payout } = await steps.receivePostback(request)
    return { kind: 'post', post, answer: `${status} ${revenue ?? '-'} ${payout ?? '-'}` }
  } catch {
    return { kind: 'post', post, answer: undefined }
  }
}

/** Facts that have happened are stored until they are, and rounds come again. */
async function untilDone(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const isDone = await work().then(
      () => true,
      () => false,
    )
    if (isDone) return
  }
  throw new Error('nothing was stored in fifty attempts')
}

const expireAll = (deps: FlowDeps): Promise<void> =>
  untilDone(async () => {
    while ((await expirePostbacks(deps)).settled > 0);
  })

/** Explains every call, and takes over what the model makes of it. */
async function checkAll(
  db: Queryable,
  played: readonly Played[],
  asked: ReadonlyMap<string, readonly Asked[]>,
  clock: number | undefined,
): Promise<readonly string[]> {
  const seen = await readSeen(db, played)
  return played.flatMap((one) => {
    const now = seen.get(one.callUuid)
    if (!now) return [`call ${one.callUuid} is gone`]
    const list = asked.get(one.callUuid) ?? []
    one.told.push(`${clock ?? ''} ${list.map(tell).join(', ')} -> ${tellSeen(now)}`)
    one.states = explain(one.states, list, now, isTooLate(one.version, clock ?? 0))
    const history = one.told.join('\n  ')
    if (now.deadlines !== (now.conversion === 'pending' ? 1 : 0))
      return [`call with ${now.deadlines} deadlines:\n  ${history}`]
    return one.states.length === 0 ? [`call of version ${one.version}:\n  ${history}`] : []
  })
}

function isTooLate(version: number, clock: number): boolean | undefined {
  const { timeoutSeconds = 0, lateLimitSeconds } = VARIANTS[version - 1] ?? {}
  if (lateLimitSeconds === undefined) return false
  const limit = timeoutSeconds + lateLimitSeconds
  return Math.abs(clock - limit) < SLACK_SECONDS ? undefined : clock > limit
}

const tell = (one: Asked): string =>
  one.kind === 'post' ? `${queryOf(one.post)} (${one.answer ?? 'no answer'})` : one.kind

const tellSeen = ({ conversion, revision, revenue = '-', payout = '-', fired }: Seen): string =>
  `${conversion} ${revision} ${revenue} ${payout} [${fired.join()}]`

async function readSeen(db: Queryable, played: readonly Played[]): Promise<Map<string, Seen>> {
  const { rows } = await db.query<
    Omit<Seen, 'revenue' | 'payout'> & {
      callUuid: string
      revenue: string | null
      payout: string | null
    }
  >({
    name: 'read-seen',
    text: `select call_uuid "callUuid", conversion, revision, round(revenue, 2)::text revenue,
                  round(payout, 2)::text payout,
                  (select count(*) from deadlines d where d.call_uuid = calls.call_uuid) deadlines,
                  array(select trigger || ' ' || occurrence from deliveries d
                         where d.call_uuid = calls.call_uuid order by 1) fired
             from calls where call_uuid = any($1::uuid[])`,
    values: [played.map(({ callUuid }) => callUuid)],
  })
  return new Map(
    rows.map(({ callUuid, revenue, payout, fired, ...row }) => [
      callUuid,
      {
        ...row,
        revenue: revenue ?? undefined,
        payout: payout ?? undefined,
        fired: fired.toSorted(),
      },
    ]),
  )
}
