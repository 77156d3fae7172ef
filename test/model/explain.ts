import { end, expire, type ModelCall, money, post, type Post } from './model.ts'

/** Something that was asked of a call while other things were. */
export type Asked =
  /** `answer` is undefined where it was lost: it may have been done or not. */
  | { readonly kind: 'post'; readonly post: Post; readonly answer: string | undefined }
  | { readonly kind: 'end'; readonly isCertain: true }
  | { readonly kind: 'expire'; readonly isCertain: boolean }

/** What the database says of a call. */
export interface Seen {
  readonly conversion: string
  readonly revision: number
  readonly revenue: string | undefined
  readonly payout: string | undefined
  /** Triggers of outcomes with their revision, sorted. */
  readonly fired: readonly string[]
  /** Rows of `deadlines`: one while the call waits. */
  readonly deadlines: number
}

/**
 * Every state that the call can be in so that the answers given and what is seen now follow from some order
 * of what was asked. Empty where no order explains them: something went wrong.
 * @param isTooLate whether the limit for late conversions has passed; undefined is either
 */
export function explain(
  before: readonly ModelCall[],
  asked: readonly Asked[],
  seen: Seen,
  isTooLate: boolean | undefined,
): readonly ModelCall[] {
  const limits = isTooLate === undefined ? [true, false] : [isTooLate]
  const after = before.flatMap((call) => limits.flatMap((limit) => [...orders(call, asked, limit)]))
  const right = after.filter((call) => matches(call, seen))
  return [...new Map(right.map((call) => [nameOf(call), call])).values()]
}

const nameOf = (call: ModelCall): string =>
  JSON.stringify(call, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))

function* orders(
  call: ModelCall,
  asked: readonly Asked[],
  isTooLate: boolean,
): Generator<ModelCall> {
  if (asked.length === 0) yield call
  for (const [index, one] of asked.entries()) {
    const rest = asked.toSpliced(index, 1)
    for (const next of outcomes(call, one, isTooLate)) yield* orders(next, rest, isTooLate)
  }
}

function* outcomes(call: ModelCall, one: Asked, isTooLate: boolean): Generator<ModelCall> {
  switch (one.kind) {
    case 'end':
      if (call.state === 'live') yield end(call)
      return
    case 'expire':
      if (call.state !== 'live') yield expire(call)
      if (!one.isCertain) yield call
      return
    case 'post': {
      const answered = post(call, one.post, isTooLate)
      if (one.answer === undefined) yield call
      if (one.answer === undefined || one.answer === answered.answer) yield answered.call
    }
  }
}

const STORED = { live: 'undecided', pending: 'pending' } as const

function matches(call: ModelCall, seen: Seen): boolean {
  const { state } = call
  const conversion = state === 'live' || state === 'pending' ? STORED[state] : state
  return (
    conversion === seen.conversion &&
    call.revision === seen.revision &&
    money(call.revenue) === (seen.revenue ?? '-') &&
    money(call.payout) === (seen.payout ?? '-') &&
    call.fired.toSorted().join() === seen.fired.join()
  )
}
