import { VARIANTS, type Variant } from './rules.ts'

/** What one call should be, told in cents and by other means than the program's. */
export interface ModelCall {
  readonly version: number
  readonly state: 'live' | 'pending' | 'converted' | 'not_converted'
  /** Postbacks that wait for the end of the call. */
  readonly kept: readonly Post[]
  readonly revenue: bigint | undefined
  readonly payout: bigint | undefined
  /** The value that stands, for telling repeats. */
  readonly value: string
  readonly txids: readonly string[]
  /** What has been fired, in order. */
  readonly fired: readonly string[]
  readonly revision: number
}

/** What a buyer posts. */
export interface Post {
  /** Cents; undefined where no revenue is posted. */
  readonly cents?: bigint
  readonly isSale?: true
  readonly isReversed?: true
  readonly txid?: string
}

export function aModelCall(version: number): ModelCall {
  return {
    version,
    state: 'live',
    kept: [],
    revenue: undefined,
    payout: undefined,
    value: '',
    txids: [],
    fired: [],
    revision: 0,
  }
}

/** The next state, and the answer as `status` with the amounts that stand. */
export interface Answered {
  readonly call: ModelCall
  readonly answer: string
}

/** Whether the limit for late conversions has passed; undefined is too close to tell. */
export type IsTooLate = boolean | undefined

export function post(call: ModelCall, posted: Post, isTooLate: boolean): Answered {
  const done = (status: string, next: ModelCall = call) => ({
    call: next,
    answer: say(status, next),
  })
  const variant = variantOf(call)
  if (call.state === 'live') return done('pending', { ...call, kept: [...call.kept, posted] })
  const worth = worthOf(variant, posted)
  if (call.state !== 'converted') {
    const idle = call.state === 'pending' ? 'pending' : 'ignored'
    if (posted.isReversed || !worth) return done(idle)
    const isLate = call.state === 'not_converted'
    if (isLate && isTooLate) return done('too_late')
    return done(
      'converted',
      settle(call, worth, posted, isLate ? ['converted'] : ['converted', 'finished']),
    )
  }
  return repeat(call, posted, worth)
}

function repeat(call: ModelCall, posted: Post, worth: Worth | undefined): Answered {
  const done = (status: string, next: ModelCall = call) => ({
    call: next,
    answer: say(status, next),
  })
  const known = { ...call, txids: txidsWith(call, posted) }
  if (posted.txid !== undefined && call.txids.includes(posted.txid)) return done('duplicate')
  const isZero = posted.cents === 0n && !(posted.isSale && variantOf(call).hasTrigger)
  const isBack = posted.isReversed || (isZero && worth?.value !== call.value)
  const next: Worth | undefined = isBack ? { revenue: 0n, payout: 0n, value: 'back' } : worth
  if (!next) return done('ignored')
  if (next.value === call.value) return done('duplicate', known)
  const { policy } = variantOf(call)
  if (policy === 'first') return done('ignored')
  if (policy === 'reject') return done('rejected')
  return done('adjusted', settle(call, next, posted, ['adjusted']))
}

interface Worth {
  readonly revenue: bigint
  readonly payout: bigint
  readonly value: string
}

function worthOf(variant: Variant, { cents, isSale }: Post): Worth | undefined {
  if (isSale && variant.hasTrigger) return { revenue: 2_500n, payout: 2_000n, value: 'sale' }
  if (cents === undefined || (cents === 0n && !variant.zeroConverts)) return undefined
  const [top, bottom] = variant.share
  const payout = (cents * top * 2n + bottom) / (bottom * 2n)
  return { revenue: cents, payout, value: `posted ${cents}` }
}

function settle(call: ModelCall, worth: Worth, posted: Post, fire: readonly string[]): ModelCall {
  const revision = call.revision + 1
  return {
    ...call,
    ...worth,
    state: 'converted',
    txids: txidsWith(call, posted),
    fired: [...call.fired, ...firing(call, fire)],
    revision,
  }
}

/** One that has done nothing new is known as well: it may come again when another value stands. */
const txidsWith = ({ txids }: ModelCall, { txid }: Post): readonly string[] =>
  txid === undefined || txids.includes(txid) ? txids : [...txids, txid]

/** What a decision fires, of what there are tracking URLs for. */
function firing(call: ModelCall, triggers: readonly string[]): readonly string[] {
  const { told } = variantOf(call)
  const wanted = triggers.filter((trigger) => told.includes(trigger))
  return wanted.map((trigger) => `${trigger} ${call.revision + 1}`)
}

/** The call hangs up: what came before is applied, in order. */
export function end(call: ModelCall): ModelCall {
  let next: ModelCall = { ...call, state: 'pending', kept: [] }
  for (const posted of call.kept) next = post(next, posted, false).call
  return next.state === 'pending' && variantOf(call).timeoutSeconds === 0 ? expire(next) : next
}

export function expire(call: ModelCall): ModelCall {
  if (call.state !== 'pending') return call
  const revision = call.revision + 1
  return {
    ...call,
    state: 'not_converted',
    fired: [...call.fired, ...firing(call, ['not_converted', 'finished'])],
    revision,
  }
}

const variantOf = (call: ModelCall): Variant => {
  const variant = VARIANTS[call.version - 1]
  if (!variant) throw new Error(`there is no version ${call.version}`)
  return variant
}

/** Amounts as the program writes them. */
export function say(status: string, { revenue, payout }: ModelCall): string {
  return `${status} ${money(revenue)} ${money(payout)}`
}

export function money(cents: bigint | undefined): string {
  if (cents === undefined) return '-'
  const digits = String(cents).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** The query that says it. */
export function queryOf({ cents, isSale, isReversed, txid }: Post): string {
  return [
    'key=',
    ...(cents === undefined ? [] : [`revenue=${money(cents)}`]),
    ...(isSale ? ['sale=true'] : []),
    ...(isReversed ? ['reversed=true'] : []),
    ...(txid === undefined ? [] : [`txid=${txid}`]),
  ].join('&')
}
