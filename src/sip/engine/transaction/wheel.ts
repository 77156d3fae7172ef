/** A timer that has been started; `cancel` it at most once, before or after it has fired. */
export interface TimerHandle {
  readonly cancel: () => void
}

/** Many timers on one interval of the event loop. */
export interface Wheel {
  /** Runs `work` once, `afterMs` or up to one tick later. */
  readonly start: (afterMs: number, work: () => void) => TimerHandle
  /** How many timers are running. */
  readonly size: () => number
  /** Forgets every timer. */
  readonly close: () => void
}

interface Entry extends TimerHandle {
  dueTick: number
  work: (() => void) | undefined
  previous: Entry | undefined
  next: Entry | undefined
  slot: number
}

/** How a wheel is driven. */
export interface WheelOptions {
  /** Resolution: no timer fires early, all fire at most one tick late. */
  readonly tickMs: number
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number
  /** Runs what a timer is for. */
  readonly run: (work: () => void) => void
}

/** A power of two; at 10 ms a tick, one turn is 41 s, longer than any timer of a transaction. */
const SLOTS = 4_096

/**
 * A hashed timer wheel: starting and cancelling a timer costs the same however many run, which
 * matters because nearly every timer of a call is cancelled. The interval only runs while there is
 * something to wait for.
 *
 * An entry that throws does not keep the others from firing, if `run` catches.
 */
export function createWheel({ now, run, tickMs }: WheelOptions): Wheel {
  const slots: (Entry | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  let count = 0
  let interval: NodeJS.Timeout | undefined
  let tick = 0

  const currentTick = (): number => Math.floor(now() / tickMs)

  const unlink = (entry: Entry): void => {
    if (entry.previous) entry.previous.next = entry.next
    else if (slots[entry.slot] === entry) slots[entry.slot] = entry.next
    if (entry.next) entry.next.previous = entry.previous
    entry.previous = undefined
    entry.next = undefined
    entry.work = undefined
    count--
  }

  const cancel = (entry: Entry): void => {
    if (entry.work !== undefined) unlink(entry)
  }

  // Entries stay linked until their turn, so that one of them can still cancel another.
  const runSlot = (slot: number, untilTick: number): void => {
    const due: Entry[] = []
    for (let entry = slots[slot]; entry; entry = entry.next)
      if (entry.dueTick <= untilTick) due.push(entry)
    for (const entry of due) {
      const { work } = entry
      if (work === undefined) continue
      unlink(entry)
      run(work)
    }
  }

  const turn = (): void => {
    const target = currentTick()
    // After a long pause of the process one turn over all slots is enough.
    if (target - tick > SLOTS) tick = target - SLOTS
    while (tick < target) {
      tick++
      runSlot(tick & (SLOTS - 1), tick)
    }
    if (count === 0) {
      clearInterval(interval)
      interval = undefined
    }
  }

  const start = (afterMs: number, work: () => void): TimerHandle => {
    if (interval === undefined) {
      tick = currentTick()
      interval = setInterval(turn, tickMs)
    }
    const dueTick = Math.max(Math.ceil((now() + afterMs) / tickMs), tick + 1)
    const slot = dueTick & (SLOTS - 1)
    const next = slots[slot]
    const entry: Entry = {
      dueTick,
      work,
      previous: undefined,
      next,
      slot,
      cancel: () => {
        cancel(entry)
      },
    }
    if (next) next.previous = entry
    slots[slot] = entry
    count++
    return entry
  }

  const close = (): void => {
    clearInterval(interval)
    interval = undefined
    slots.fill(undefined)
    count = 0
  }

  return { start, size: () => count, close }
}
