/** One promise, and how often it was broken. */
export interface Verdict {
  readonly invariant: string
  readonly expected: number
  readonly seen: number
  readonly ok: boolean
  /** The first of what was wrong. */
  readonly example: string | undefined
}

/** That nothing of the kind was found. */
export const none = (invariant: string, found: readonly string[]): Verdict => ({
  invariant,
  expected: 0,
  seen: found.length,
  ok: found.length === 0,
  example: found[0],
})
