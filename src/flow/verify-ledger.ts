import type { StoredEntry } from '../db/ledger.ts'
import type { Placed, StoredAnchor } from '../db/ledger-anchors.ts'
import { createFold, hashAnchor, hashEntry, NO_HASH } from '../db/ledger-hash.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { sixDecimals } from '../domain/ledger.ts'
import { checkEntry, type LedgerReplay, NO_ENTRIES } from '../domain/ledger-check.ts'

/** A ledger to be verified: the one in the database, or an export of it. */
export interface LedgerSource {
  /** Call by call, each call's entries in their order. */
  readonly entries: () => AsyncIterable<readonly StoredEntry[]>
  /** In the order of the places. */
  readonly places: () => AsyncIterable<readonly Placed[]>
  readonly anchors: () => Promise<readonly StoredAnchor[]>
  readonly campaignRules: (campaignId: string, version: number) => Promise<CampaignRules>
  /** A call that has been decided and has no entry. */
  readonly findCallWithoutEntry: () => Promise<string | undefined>
  /** Entries whose months were dropped: of each its place and hash remain. */
  readonly countRemains: () => Promise<number>
  /** How many there have to be, where that was written down. */
  readonly counts?: LedgerCounts
}

/** How much a ledger holds. */
export interface LedgerCounts {
  readonly entries: number
  readonly anchors: number
}

/** What verifying has found. */
export type Verification =
  | {
      readonly kind: 'right'
      readonly entries: number
      readonly calls: number
      readonly anchors: number
      /** Entries of dropped months, which the anchors hold by their hashes alone. */
      readonly remains: number
      /** Of the last anchor; undefined before there is one. */
      readonly anchorHash: string | undefined
    }
  /** `place` names the first bad entry, call or anchor. */
  | { readonly kind: 'wrong'; readonly place: string; readonly problem: string }

type Wrong = Extract<Verification, { kind: 'wrong' }>

/**
 * Checks a whole ledger: every chain, every amount derived again from its facts and rules, every call
 * against its last entry, and the anchors over all. Stops at the first thing that is wrong.
 */
export async function verifyLedger(source: LedgerSource): Promise<Verification> {
  const counted = await verifyCalls(source)
  if (counted.kind === 'wrong') return counted
  const missing = await source.findCallWithoutEntry()
  if (missing !== undefined) return wrong(`call ${missing}`, 'its last entry is missing')
  const anchors = await source.anchors()
  const broken = await verifyAnchors(anchors, source.places())
  if (broken) return broken
  const lost = findLoss(source.counts, { entries: counted.entries, anchors: anchors.length })
  if (lost !== undefined) return wrong('the ledger', lost)
  const remains = await source.countRemains()
  return { ...counted, remains, anchors: anchors.length, anchorHash: anchors.at(-1)?.hash }
}

function findLoss(
  wanted: LedgerCounts | undefined,
  { entries, anchors }: LedgerCounts,
): string | undefined {
  if (!wanted || (wanted.entries === entries && wanted.anchors === anchors)) return undefined
  return `has ${entries} of ${wanted.entries} entries and ${anchors} of ${wanted.anchors} anchors`
}

const wrong = (place: string, problem: string): Wrong => ({ kind: 'wrong', place, problem })

interface Counted {
  readonly kind: 'right'
  readonly entries: number
  readonly calls: number
}

/** Where the walk through the ledger stands within a call. */
interface Walk {
  readonly replay: LedgerReplay
  readonly last: StoredEntry | undefined
  readonly entries: number
  readonly calls: number
}

const AT_THE_START: Walk = { replay: NO_ENTRIES, last: undefined, entries: 0, calls: 0 }

async function verifyCalls(source: LedgerSource): Promise<Counted | Wrong> {
  let walk: Walk = AT_THE_START
  for await (const page of source.entries()) {
    for (const stored of page) {
      const stepped = await step(walk, stored, source)
      if ('kind' in stepped) return stepped
      walk = stepped
    }
  }
  const { entries, calls } = walk
  return (walk.last && checkStanding(walk.last)) ?? { kind: 'right', entries, calls }
}

/** Takes one more entry: of the same call, or the first of the next one. */
async function step(walk: Walk, stored: StoredEntry, source: LedgerSource): Promise<Walk | Wrong> {
  const { last, entries, calls } = walk
  const isSameCall = stored.entry.call_uuid === last?.entry.call_uuid
  const unfinished = isSameCall || !last ? undefined : checkStanding(last)
  if (unfinished) return unfinished
  const before = isSameCall ? walk : AT_THE_START
  const checked = await checkStored(before, stored, source)
  if ('kind' in checked) return checked
  return {
    replay: checked,
    last: stored,
    entries: entries + 1,
    calls: isSameCall ? calls : calls + 1,
  }
}

async function checkStored(
  { replay, last }: Walk,
  { entry, previousHash, hash, postback }: StoredEntry,
  source: LedgerSource,
): Promise<LedgerReplay | Wrong> {
  const place = `entry ${entry.revision} of call ${entry.call_uuid}`
  if (previousHash !== (last?.hash ?? NO_HASH)) {
    return wrong(place, 'is not chained to the entry before it')
  }
  if (hash !== hashEntry(previousHash, entry)) return wrong(place, 'has been changed')
  const rules = await source.campaignRules(entry.campaign_id, entry.campaign_version)
  const checked = checkEntry(replay, entry, { rules, postback })
  return checked.kind === 'wrong' ? wrong(place, checked.problem) : checked.replay
}

/** The call's row has to say what its last entry says. */
function checkStanding({ entry, call }: StoredEntry): Wrong | undefined {
  if (call === undefined) return undefined
  const place = `call ${entry.call_uuid}`
  if (call === null) return wrong(place, 'has entries and is not there')
  const isSame =
    call.revision === entry.revision &&
    call.conversion === entry.conversion &&
    call.reason === entry.reason &&
    sixDecimals(call.revenue) === sixDecimals(entry.revenue) &&
    sixDecimals(call.payout) === sixDecimals(entry.payout)
  return isSame ? undefined : wrong(place, 'does not stand as its last entry says')
}

async function verifyAnchors(
  anchors: readonly StoredAnchor[],
  places: AsyncIterable<readonly Placed[]>,
): Promise<Wrong | undefined> {
  const chain = createAnchorCheck(anchors)
  for await (const page of places) {
    for (const placed of page) {
      const broken = chain.add(placed)
      if (broken) return broken
      if (chain.isDone()) return undefined
    }
  }
  return chain.end()
}

/** Takes entries in the order of their places and closes one anchor after the other over them. */
function createAnchorCheck(anchors: readonly StoredAnchor[]) {
  let index = 0
  let entries = 0
  let fold = createFold()
  const close = (): Wrong | undefined => {
    const anchor = anchors[index]
    if (!anchor) return undefined
    const problem = findAnchorProblem(anchor, {
      entries,
      entriesHash: fold.digest(),
      previousHash: anchors[index - 1]?.hash ?? NO_HASH,
    })
    index++
    entries = 0
    fold = createFold()
    return problem === undefined ? undefined : wrong(`anchor ${anchor.anchor}`, problem)
  }
  return {
    isDone: () => index === anchors.length,
    add({ position, hash }: Placed): Wrong | undefined {
      while (index < anchors.length && position > (anchors[index]?.toPosition ?? 0)) {
        const broken = close()
        if (broken) return broken
      }
      fold.add(hash)
      entries++
      return undefined
    },
    end(): Wrong | undefined {
      while (index < anchors.length) {
        const broken = close()
        if (broken) return broken
      }
      return undefined
    },
  }
}

function findAnchorProblem(
  anchor: StoredAnchor,
  seen: Pick<StoredAnchor, 'entries' | 'entriesHash' | 'previousHash'>,
): string | undefined {
  if (anchor.previousHash !== seen.previousHash) return 'is not chained to the anchor before it'
  if (anchor.hash !== hashAnchor(anchor)) return 'has been changed'
  if (anchor.entries !== seen.entries) {
    return `covers ${anchor.entries} entries, and ${seen.entries} are there`
  }
  return anchor.entriesHash === seen.entriesHash ? undefined : 'covers entries that were changed'
}
