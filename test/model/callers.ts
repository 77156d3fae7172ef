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
 * A caller may convert once a day. Cheap calls are those that the buyer has said to be so before their end.
 * @param trigger what `sale=true` should have been
 */
export function rulesFor(
  trigger: string,
  lateLimitSeconds: PostbackGroup['lateLimitSeconds'],
): CampaignRules {
  const common = {
    postbackTimeoutSeconds: TIMEOUT_SECONDS,
    lateLimitSeconds,
    dedupeSeconds: 86_400,
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

/** Plays the calls of some callers at once, from their beginnings until their deadlines have passed. */
export async function playCallers(
  database: TestDatabase,
  deps: FlowDeps,
  { chance, callers }: { readonly chance: Chance; readonly callers: number },
): Promise<readonly CallOfCaller[]> {
  await database.setClock('0')
  const calls = await Promise.all(
    Array.from({ length: callers * CALLS_OF_CALLER }, async (_, index): Promise<CallOfCaller> => {
      const callerNumber = `+1212555${1_000 + Math.floor(index / CALLS_OF_CALLER)}`
      const facts = await beginCall(deps, { callerNumber })
      return { facts, leg: 1 + (index % 2), isCheap: false }
    }),
  )
  await postSome(deps, calls, { chance, areLive: true })
  await Promise.all(calls.map(({ facts, leg }) => bridgeCall(deps, facts, leg)))
  await postSome(deps, calls, { chance, areLive: true })
  await Promise.all(calls.map(({ facts }) => endCall(deps, facts.callUuid)))
  for (const clock of CLOCKS) {
    await database.setClock(`${clock} seconds`)
    if (!chance.isLucky(SWEPT_LATE_SHARE)) await expireAll(deps)
    await postSome(deps, calls, { chance, areLive: false })
  }
  await expireAll(deps)
  return calls
}

async function expireAll(deps: FlowDeps): Promise<void> {
  while ((await expirePostbacks(deps)).settled > 0);
}

/** Every second call gets a postback, of either buyer; of one call never two at once. */
async function postSome(
  deps: FlowDeps,
  calls: readonly CallOfCaller[],
  { chance, areLive }: { readonly chance: Chance; readonly areLive: boolean },
): Promise<void> {
  await Promise.all(
    calls.map(async (call) => {
      if (chance.isLucky(0.5)) return
      const leg = chance.isLucky(0.25) ? 3 - call.leg : call.leg
      const text = chance.oneOf(TEXTS)
      if (areLive && leg === call.leg && text.includes('cheap=1')) call.isCheap = true
      await post(deps, call.facts.callUuid, text, leg)
    }),
  )
}

/** What the money of a wave breaks, a line each. @see behaviour B7, B13 */
export async function findBroken(
  database: Database,
  calls: readonly CallOfCaller[],
): Promise<readonly string[]> {
  const { rows } = await database.query<{
    callUuid: string
    caller: string
    group: string | null
    conversion: string
  }>(
    `select call_uuid "callUuid", caller_number caller, conversion_group_id "group", conversion
       from calls`,
  )
  const byUuid = new Map(rows.map((row) => [row.callUuid, row]))
  const wrongGroup = calls.filter(({ facts, isCheap }) => {
    return byUuid.get(facts.callUuid)?.group !== (isCheap ? 'cheap' : 'sales')
  })
  const converted = rows.filter(({ conversion }) => conversion === 'converted')
  const byCaller = Map.groupBy(converted, ({ caller, group }) => `${caller} ${group ?? ''}`)
  return [
    ...wrongGroup.map(({ facts }) => `${facts.callUuid} is in the wrong group`),
    ...[...byCaller].flatMap(([caller, conversions]) =>
      conversions.length > 1 ? [`${caller} has converted ${conversions.length} times`] : [],
    ),
  ]
}
