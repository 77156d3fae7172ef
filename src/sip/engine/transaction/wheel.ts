import type { Clock } from './clock.ts'

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

/** How a wheel is driven. */
export interface WheelOptions {
  /** Resolution: no timer fires early, all fire at most one tick late. */
  readonly tickMs: number
  readonly clock: Clock
  /** Runs what a timer is for. */
  readonly run: (work: () => void) => void
}

/** A power of two; at 20 ms a tick, one turn is 82 s, longer than any timer of a transaction. */
const SLOTS = 4_096

interface Entry extends TimerHandle {
  readonly dueTick: number
  readonly slot: number
  /** Undefined once it has fired or been cancelled. */
  work: (() => void) | undefined
  previous: Entry | undefined
  next: Entry | undefined
}

interface State extends WheelOptions {
  /** The first entry of each slot's list. */
  readonly slots: (Entry | undefined)[]
  count: number
  /** When the interval was started: ticks are counted from there, so that both keep step. */
  originMs: number
  /** The last tick that was worked off. */
  tick: number
  /** Undefined while there is nothing to wait for. */
  stopTicking: (() => void) | undefined
}

/**
 * A hashed timer wheel: starting and cancelling a timer costs the same however many run, which
 * matters because nearly every timer of a call is cancelled. The interval only runs while there is
 * something to wait for. A timer that throws does not keep the others from firing, if `run` catches.
 */
export function createWheel(options: WheelOptions): Wheel {
  const slots = Array.from({ length: SLOTS }, (): Entry | undefined => undefined)
  const state: State = { ...options, slots, count: 0, originMs: 0, tick: 0, stopTicking: undefined }
  return {
    start: (afterMs, work) => startTimer(state, afterMs, work),
    size: () => state.count,
    close: () => {
      stop(state)
      slots.fill(undefined)
      state.count = 0
    },
  }
}

function startTimer(state: State, afterMs: number, work: () => void): TimerHandle {
  const { clock, slots, tickMs } = state
  if (state.stopTicking === undefined) {
    state.originMs = clock.now()
    state.tick = 0
    state.stopTicking = clock.every(tickMs, () => {
      turn(state)
    })
  }
  const dueTick = Math.max(
    Math.ceil((clock.now() - state.originMs + afterMs) / tickMs),
    state.tick + 1,
  )
  const slot = dueTick & (SLOTS - 1)
  const next = slots[slot]
  const cancel = (): void => {
    if (entry.work !== undefined) unlink(state, entry)
  }
  const entry: Entry = { dueTick, slot, work, previous: undefined, next, cancel }
  if (next) next.previous = entry
  slots[slot] = entry
  state.count++
  return entry
}

function turn(state: State): void {
  const target = Math.floor((state.clock.now() - state.originMs) / state.tickMs)
  // After a long pause of the process one turn over all slots is enough.
  state.tick = Math.max(state.tick, target - SLOTS)
  while (state.tick < target) {
    state.tick++
    runSlot(state, target)
  }
  if (state.count === 0) stop(state)
}

/** Entries stay linked until their turn, so that one of them can still cancel another. */
function runSlot(state: State, untilTick: number): void {
  const due: Entry[] = []
  for (let entry = state.slots[state.tick & (SLOTS - 1)]; entry; entry = entry.next)
    if (entry.dueTick <= untilTick) due.push(entry)
  for (const entry of due) {
    const { work } = entry
    if (work === undefined) continue
    unlink(state, entry)
    state.run(work)
  }
}

function unlink(state: State, entry: Entry): void {
  if (entry.previous) entry.previous.next = entry.next
  else if (state.slots[entry.slot] === entry) state.slots[entry.slot] = entry.next
  if (entry.next) entry.next.previous = entry.previous
  entry.previous = undefined
  entry.next = undefined
  entry.work = undefined
  state.count--
}

function stop(state: State): void {
  state.stopTicking?.()
  state.stopTicking = undefined
}
