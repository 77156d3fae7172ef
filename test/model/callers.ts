import type { Database } from '../../src/db/queryable.ts'
import type { CallFacts } from '../../src/domain/call.ts'
import type { CampaignRules } from '../../src/domain/campaign.ts'
import type { PostbackConversion, PostbackGroup } from '../../src/domain/conversion-group.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import type { FlowDeps } from '../../src/flow/flow-deps.ts'
import type { TestDatabase } from '../support/database.ts'
import {
  aCampaign,
  aPostbackGroup,
  beginCall,
  bridgeCall,
  endCall,
  flatSale,
  flowOn,
  post,
  posted,
} from '../support/flow.ts'
import type { Chance } from './chance.ts'

/** A call as the test remembers it. */
export interface CallOfCaller {
  readonly facts: CallFacts
  /** The leg that gets the call; 3 - leg is the one that loses it. */
  readonly leg: number
  /** Whether the buyer that got the call has made it a cheap one before its end. */
  isCheap: boolean
}

const TIMEOUT_SECONDS = 600
const CALLS_OF_CALLER = 3
/** Shorter than the time in which a call gets its postbacks, so that some are outside. */
const WINDOW_SECONDS = 330
/** Seconds after the calls have ended; the last lets all of them expire. */
const CLOCKS = [0, 300, 610, 640, 1_000]
/** How often the deadlines that have passed are looked at late, as they are after an outage. */
const SWEPT_LATE_SHARE = 0.4

const TEXTS = [
  'revenue=10',
  'revenue=10&txid=a',
  'revenue=12&txid=b',
  'revenue=10&txid=b',
  'sale=true',
  'sale=yes',
  'cheap=1',
  'cheap=1&revenue=10',
  'reversed=true',
  'note=hello',
] as const

/**
 * A caller may convert once in a while. Cheap calls are those that the buyer has said to be so before their end.
 * @param trigger what `sale=true` should have been
 */
export function rulesFor(
  trigger: string,
  lateLimitSeconds: PostbackGroup['lateLimitSeconds'],
): CampaignRules {
  const common = {
    postbackTimeoutSeconds: TIMEOUT_SECONDS,
    lateLimitSeconds,
    dedupeSeconds: WINDOW_SECONDS,
  }
  const sale = { ...flatSale, trigger } as PostbackConversion
  return aCampaign({
    conversionGroups: [
      aPostbackGroup({
        ...common,
        groupId: 'cheap',
        filters: { tags: { cheap: '1' } },
        conversions: [posted('*0.1')],
      }),
      aPostbackGroup({ ...common, conversions: [sale, posted('*0.8')] }),
    ],
  })
}

/** A campaign whose versions are these, in their order. */
export async function campaignOf(
  database: TestDatabase,
  versions: readonly [CampaignRules, ...(readonly CampaignRules[])],
): Promise<FlowDeps> {
  const deps = await flowOn(database, versions[0])
  for (const version of versions.keys()) {
    if (version === 0) continue
    await database.query(`insert into campaign_versions values ('solar', $1, '{}')`, [version + 1])
  }
  return { ...deps, campaignRules: async (_, version) => versions[version - 1] ?? versions[0] }
}

export interface Play {
  readonly chance: Chance
  readonly callers: number
  /** One postback of a caller after the other, and deadlines looked at in time, so that it can be played again. */
  readonly inOrder: boolean
  /** Seconds by the clock at which it begins. */
  readonly from: number
}

/** Plays the calls of some callers at once, from their beginnings until their deadlines have passed. */
export async function playCallers(
  database: TestDatabase,
  deps: FlowDeps,
  play: Play,
): Promise<readonly CallOfCaller[]> {
  const { chance, callers, inOrder, from } = play
  await database.setClock(`${from} seconds`)
  const calls = await Promise.all(
    Array.from({ length: callers * CALLS_OF_CALLER }, async (_, index): Promise<CallOfCaller> => {
      const callerNumber = `+1212555${1_000 + Math.floor(index / CALLS_OF_CALLER)}`
      const facts = await beginCall(deps, { callerNumber })
      return { facts, leg: 1 + (index % 2), isCheap: false }
    }),
  )
  await postSome(deps, calls, { ...play, areLive: true })
  await Promise.all(calls.map(({ facts, leg }) => bridgeCall(deps, facts, leg)))
  await postSome(deps, calls, { ...play, areLive: true })
  await endAll(deps, calls)
  for (const clock of CLOCKS) {
    await database.setClock(`${from + clock} seconds`)
    if (inOrder || !chance.isLucky(SWEPT_LATE_SHARE)) await expireAll(deps)
    await postSome(deps, calls, { ...play, areLive: false })
  }
  await expireAll(deps)
  return calls
}

async function expireAll(deps: FlowDeps): Promise<void> {
  while ((await expirePostbacks(deps)).settled > 0);
}

/** A caller's one after the other: which of them is the first to convert stands. */
async function endAll(deps: FlowDeps, calls: readonly CallOfCaller[]): Promise<void> {
  await ofEachCaller(calls, true, ({ facts }) => endCall(deps, facts.callUuid))
}

/** Every second call gets a postback, of either buyer; of one call never two at once. */
async function postSome(
  deps: FlowDeps,
  calls: readonly CallOfCaller[],
  { chance, inOrder, areLive }: Play & { readonly areLive: boolean },
): Promise<void> {
  const posts = new Map(
    calls.flatMap((call) => {
      if (chance.isLucky(0.5)) return []
      const leg = chance.isLucky(0.25) ? 3 - call.leg : call.leg
      return [[call, { leg, text: chance.oneOf(TEXTS) }]]
    }),
  )
  await ofEachCaller(calls, inOrder, async (call) => {
    const { leg, text } = posts.get(call) ?? {}
    if (text === undefined) return
    if (areLive && leg === call.leg && text.includes('cheap=1')) call.isCheap = true
    await post(deps, call.facts.callUuid, text, leg)
  })
}

async function ofEachCaller(
  calls: readonly CallOfCaller[],
  inOrder: boolean,
  work: (call: CallOfCaller) => Promise<void>,
): Promise<void> {
  if (!inOrder) {
    await Promise.all(calls.map(work))
    return
  }
  const callers = Map.groupBy(calls, ({ facts }) => facts.callerNumber)
  const all = [...callers.values()].map(async (ofOne) => {
    for (const call of ofOne) await work(call)
  })
  await Promise.all(all)
}

/** What the money of a wave breaks, a line each. @see behaviour B7, B13 */
export async function findBroken(
  database: Database,
  calls: readonly CallOfCaller[],
): Promise<readonly string[]> {
  const groups = await database.query<{ callUuid: string; group: string | null }>(
    `select call_uuid "callUuid", conversion_group_id "group" from calls`,
  )
  const groupOf = new Map(groups.rows.map(({ callUuid, group }) => [callUuid, group]))
  const wrongGroup = calls.filter(({ facts, isCheap }) => {
    return groupOf.get(facts.callUuid) !== (isCheap ? 'cheap' : 'sales')
  })
  return [
    ...wrongGroup.map(({ facts }) => `${facts.callUuid} is in the wrong group`),
    ...(await paidTwice(database)),
  ]
}

async function paidTwice(database: Database): Promise<readonly string[]> {
  const { rows } = await database.query<{ one: string; other: string }>(
    `select one.call_uuid one, other.call_uuid other
       from calls one join calls other using (caller_number, conversion_group_id)
      where one.revenue > 0 and other.revenue > 0 and one.call_uuid < other.call_uuid
        and abs(extract(epoch from one.settled_at - other.settled_at)) < ${WINDOW_SECONDS}`,
  )
  return rows.map(({ one, other }) => `the caller of ${one} is paid for by ${other} too`)
}

/**
 * What each call is worth, in the order in which they began. Nothing, for callers with a call whose buyer has
 * taken back what it had not been paid: there is nothing to write of such, and so nothing to keep others from it.
 */
export async function worthOf(
  database: Database,
  callers: ReadonlySet<string>,
): Promise<readonly string[]> {
  const { rows } = await database.query<{ caller: string; worth: string }>(
    `select caller_number caller,
            concat_ws(' ', coalesce(nullif(revenue, 0), 0), coalesce(nullif(payout, 0), 0)) worth
       from calls order by call_uuid`,
  )
  return rows.map(({ caller, worth }) => (callers.has(caller) ? '' : `${caller} ${worth}`))
}

/** The callers of calls that were reversed by their buyers. */
export async function reversedCallers(database: Database): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ caller: string }>(
    `select distinct caller_number caller from settlements join calls using (call_uuid)
      where settlements.basis = 'reversal'`,
  )
  return new Set(rows.map(({ caller }) => caller))
}
