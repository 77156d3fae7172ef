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

/** That there was enough of something for the rest to say anything. */
export const atLeast = (invariant: string, expected: number, seen: number): Verdict => ({
  invariant,
  expected,
  seen,
  ok: seen >= expected,
  example: `${seen} of ${expected}`,
})
