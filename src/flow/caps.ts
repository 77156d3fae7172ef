import {
  freePlaces,
  type HeldPlace,
  insertPlaces,
  type Leaving,
  lockLoads,
  storeLoads,
} from '../db/caps.ts'
import type { Queryable } from '../db/queryable.ts'
import type { Buyer } from '../domain/campaign.ts'
import {
  givePlaceBack,
  isCapped,
  type Load,
  NO_LOAD,
  takePlace,
  timeZoneOf,
} from '../domain/caps.ts'
import { localTime } from '../domain/local-time.ts'

/** The loads of buyers with caps, locked for one transaction. */
export interface Places {
  readonly loadOf: (buyerId: string) => Load | undefined
  /** Takes a place for a leg at a buyer with caps; nothing happens at one without. */
  readonly take: (buyer: Buyer, callUuid: string, leg: number) => void
  /** Writes what was taken and given back. */
  readonly store: () => Promise<void>
}

/**
 * Locks the loads of those buyers that have caps, gives back the places of legs that are over, and lets new
 * ones be taken. Asks the database nothing where no buyer has a cap and no leg is over.
 */
export async function openPlaces(
  db: Queryable,
  buyers: Iterable<Buyer>,
  { leaving, now }: { readonly leaving: readonly Leaving[]; readonly now: Date },
): Promise<Places> {
  const freed = await freePlaces(db, leaving)
  const capped = [...buyers].filter(isCapped).map(({ buyerId }) => buyerId)
  const loads = await lockLoads(db, [...capped, ...freed.map(({ buyerId }) => buyerId)])
  const changed = new Map<string, Load>()
  const held: HeldPlace[] = []
  const loadOf = (buyerId: string) => changed.get(buyerId) ?? loads.get(buyerId)
  for (const { buyerId, periods, isAnswered } of freed) {
    changed.set(buyerId, givePlaceBack(loadOf(buyerId) ?? NO_LOAD, periods, isAnswered))
  }
  return {
    loadOf,
    take(buyer, callUuid, leg) {
      if (!isCapped(buyer)) return
      const { hour, day, month } = localTime(now, timeZoneOf(buyer))
      const periods = { hour, day, month }
      const { buyerId } = buyer
      changed.set(buyerId, takePlace(loadOf(buyerId) ?? NO_LOAD, periods))
      held.push({ callUuid, leg, buyerId, periods })
    },
    async store() {
      await storeLoads(db, changed)
      await insertPlaces(db, held)
    },
  }
}

/** Gives back whatever places these legs, or whole calls, still hold. Safe to repeat. */
export async function releasePlaces(
  db: Queryable,
  leaving: readonly Leaving[],
  now: Date,
): Promise<void> {
  const places = await openPlaces(db, [], { leaving, now })
  await places.store()
}
