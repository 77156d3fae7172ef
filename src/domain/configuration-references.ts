import { DEFAULTS } from './configuration-defaults.ts'
import { isCurrency } from './configuration-fields.ts'
import { type Place, placesAt, textAt, textsAt } from './configuration-places.ts'
import { type Problem, writePath } from './configuration-problems.ts'
import { isSameValue, minorUnitDigits, parseDecimal, parseRevenue, toAmount } from './money.ts'
import { normaliseNumber } from './number.ts'
import { isDearNumber } from './toll.ts'
import { parseUrlTemplate } from './tracking-url.ts'

/** Says what is wrong with an origin that tracking URLs may not reach; undefined if nothing is. */
export type CheckUrl = (url: string) => string | undefined

/**
 * What is wrong between the places of a document: repeated ids, references to nothing, a number in
 * two campaigns. Reads the document as it came in, so that these problems are named together with
 * those of its shape.
 */
export function checkReferences(input: unknown, checkUrl: CheckUrl): readonly Problem[] {
  const document: Place = { keys: [], value: input }
  return [
    ...UNIQUE.flatMap((rule) => checkUnique(document, rule)),
    ...REFERENCES.flatMap((rule) => checkReference(document, rule)),
    ...placesAt(document, 'buyers.*').flatMap((buyer) => checkGateway(document, buyer)),
    ...placesAt(document, 'buyers.*.headers').flatMap(checkHeaders),
    ...placesAt(document, 'buyers.*.numbers').flatMap(checkNumbers),
    ...placesAt(document, 'campaigns.*').flatMap(checkAmounts),
    ...placesAt(document, CONVERSIONS).flatMap(checkMatch),
    ...textsAt(document, 'campaigns.*.tracking_urls.*.url').flatMap(({ keys, value }) => {
      const parsed = parseUrlTemplate(value)
      const message = parsed.kind === 'url' ? checkUrl(parsed.template.origin) : undefined
      return message === undefined ? [] : [problemAt(keys, message)]
    }),
  ]
}

const CONVERSIONS = 'campaigns.*.conversion_groups.*.conversions.*'

const problemAt = (keys: readonly PropertyKey[], message: string): Problem => ({
  path: writePath(keys),
  message,
})

interface UniqueRule {
  readonly within: string
  readonly at: string
  readonly normalise?: (text: string) => string | undefined
}

const UNIQUE: readonly UniqueRule[] = [
  { within: '', at: 'publishers.*.id' },
  { within: '', at: 'buyers.*.id' },
  { within: '', at: 'trunks.*.id' },
  { within: '', at: 'campaigns.*.id' },
  { within: '', at: 'campaigns.*.numbers.*.number', normalise: (text) => normaliseNumber(text) },
  { within: 'campaigns.*', at: 'tracking_urls.*.id' },
  { within: 'campaigns.*', at: 'conversion_groups.*.id' },
  { within: 'campaigns.*.conversion_groups.*', at: 'conversions.*.name' },
  { within: 'campaigns.*.conversion_groups.*', at: 'conversions.*.seconds' },
]

function checkUnique(document: Place, { within, at, normalise }: UniqueRule): readonly Problem[] {
  return placesAt(document, within).flatMap((scope) => {
    const first = new Map<unknown, string>()
    return placesAt(scope, at).flatMap(({ keys, value }) => {
      if (typeof value !== 'string' && typeof value !== 'number') return []
      const same = (typeof value === 'string' && normalise?.(value)) || value
      const earlier = first.get(same)
      if (earlier === undefined) first.set(same, writePath(keys))
      return earlier === undefined
        ? []
        : [problemAt(keys, `repeats ${JSON.stringify(value)} of ${earlier}: change one of them`)]
    })
  })
}

interface ReferenceRule {
  readonly at: string
  readonly to: 'publishers' | 'buyers' | 'trunks'
  readonly noun: string
}

const REFERENCES: readonly ReferenceRule[] = [
  { at: 'buyers.*.gateway', to: 'trunks', noun: 'trunk' },
  { at: 'campaigns.*.numbers.*.publisher', to: 'publishers', noun: 'publisher' },
  { at: 'campaigns.*.routes.*.buyer', to: 'buyers', noun: 'buyer' },
  { at: 'campaigns.*.routes.*.filters.publisher', to: 'publishers', noun: 'publisher' },
  { at: 'campaigns.*.tracking_urls.*.buyer', to: 'buyers', noun: 'buyer' },
  { at: 'campaigns.*.tracking_urls.*.publisher', to: 'publishers', noun: 'publisher' },
  { at: 'campaigns.*.conversion_groups.*.filters.buyer', to: 'buyers', noun: 'buyer' },
  { at: 'campaigns.*.conversion_groups.*.filters.publisher', to: 'publishers', noun: 'publisher' },
]

function checkReference(document: Place, { at, to, noun }: ReferenceRule): readonly Problem[] {
  const known = new Set(textsAt(document, `${to}.*.id`).map(({ value }) => value))
  return textsAt(document, at)
    .filter(({ value }) => !known.has(value))
    .map(({ keys, value }) =>
      problemAt(keys, `names no ${noun}: add ${JSON.stringify(value)} to ${to}, or correct it`),
    )
}

function checkGateway(document: Place, buyer: Place): readonly Problem[] {
  if (!/^tel:/i.test(textAt(buyer, 'endpoint') ?? '')) return []
  const gateway = textAt(buyer, 'gateway')
  const keys = [...buyer.keys, 'gateway']
  if (gateway === undefined) {
    return [
      problemAt(keys, 'is missing: write the id of the trunk that reaches this tel: endpoint'),
    ]
  }
  const trunk = placesAt(document, 'trunks.*').find((each) => textAt(each, 'id') === gateway)
  if (!trunk) return []
  return placesAt(trunk, 'gateway').length === 0
    ? [problemAt(keys, `names a trunk without gateway: give ${writePath(trunk.keys)} one`)]
    : checkDialledNumber(buyer, trunk)
}

/** What is dialled through a gateway costs money: only what the trunk is for, and nothing dear. */
function checkDialledNumber(buyer: Place, trunk: Place): readonly Problem[] {
  const number = normaliseNumber(textAt(buyer, 'endpoint') ?? '')
  if (number === undefined) return []
  const keys = [...buyer.keys, 'endpoint']
  if (isDearNumber(number)) {
    return [problemAt(keys, 'is a premium or satellite number: no call is ever sent to one')]
  }
  const prefixes = textsAt(trunk, 'allowed_prefixes.*').map(({ value }) => value)
  const isAllowed = prefixes.length === 0 || prefixes.some((prefix) => number.startsWith(prefix))
  return isAllowed
    ? []
    : [
        problemAt(
          keys,
          `is not among the allowed_prefixes of ${writePath(trunk.keys)}: add it there`,
        ),
      ]
}

/** Header names are the same in any case. @see RFC 3261 §7.3.1 */
function checkHeaders({ keys, value }: Place): readonly Problem[] {
  if (typeof value !== 'object' || value === null) return []
  const seen = new Set<string>()
  return Object.keys(value).flatMap((name) => {
    const isRepeated = seen.has(name.toLowerCase())
    seen.add(name.toLowerCase())
    return isRepeated ? [problemAt([...keys, name], 'is there in another case: keep one')] : []
  })
}

function checkNumbers(numbers: Place): readonly Problem[] {
  const isClear =
    textAt(numbers, 'format') !== 'national' || textAt(numbers, 'country') !== undefined
  const message = 'is missing: write the country whose national numbers these are, as in US'
  return isClear ? [] : [problemAt([...numbers.keys, 'country'], message)]
}

/** An amount that rounding would change is a mistake that nobody would see. */
function checkAmounts(campaign: Place): readonly Problem[] {
  const currency = textAt(campaign, 'currency') ?? DEFAULTS.rules.currency
  if (!isCurrency(currency)) return []
  const digits = minorUnitDigits(currency)
  return ['revenue', 'payout']
    .flatMap((key) => textsAt(campaign, `conversion_groups.*.conversions.*.${key}`))
    .filter(({ value }) => {
      const exact = parseRevenue(value)
      const rounded = exact && parseDecimal(toAmount(exact, digits))
      return exact && rounded && !isSameValue(exact, rounded)
    })
    .map(({ keys }) => problemAt(keys, `has more decimals than ${currency}: write ${digits}`))
}

/** A trigger that is compared with whole parameters has to be one. @see behaviour B6 */
function checkMatch(conversion: Place): readonly Problem[] {
  const trigger = textAt(conversion, 'trigger')
  const isOne = textAt(conversion, 'match') !== 'parameter' || trigger?.includes('=')
  return trigger === undefined || isOne
    ? []
    : [problemAt([...conversion.keys, 'trigger'], 'is no parameter: write name=value')]
}
