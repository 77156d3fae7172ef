import type { TrunkNumbers } from '../domain/campaign.ts'
import { numberIn } from './caller-id.ts'
import { entryParameters, splitList } from './header-list.ts'
import type { SipMessage } from './srf.ts'

type Message = Pick<SipMessage, 'get'>
type Numbers = Pick<TrunkNumbers, 'country' | 'prefix'>

/** More are of no use to anybody, and the newest say most. */
const DIVERSIONS_MAX = 5
const HISTORY_MAX = 10

/** Whether a call has been diverted from the same number twice: it goes round in circles. @see RFC 5806 */
export function isDiversionLoop(request: Message, numbers: Numbers): boolean {
  const diverted = entriesOf(request, 'Diversion').flatMap(
    (entry) => numberIn(entry, numbers) ?? [],
  )
  return new Set(diverted).size < diverted.length
}

/**
 * The numbers that a call was diverted from, the newest first, as far as a buyer may know them: with no
 * host, no display name, and none but the parameters of the RFC. @see RFC 5806
 */
export function passDiversions(request: Message, numbers: Numbers, isTrusted: boolean): string {
  if (!isTrusted && asksFor(request, /\bheader\b/i)) return ''
  return entriesOf(request, 'Diversion')
    .filter((entry) => isTrusted || !isPrivate(entryParameters(entry).get('privacy')))
    .flatMap((entry) => written(entry, numbers, DIVERSION_PARAMETERS))
    .slice(0, DIVERSIONS_MAX)
    .join(', ')
}

/**
 * The numbers that a call was sent to before, the newest last, as far as a buyer may know them. What is no
 * number is left out, and so are the reasons, which stand in URIs that are not passed. @see RFC 7044 §5
 */
export function passHistory(request: Message, numbers: Numbers, isTrusted: boolean): string {
  if (!isTrusted && asksFor(request, /\b(?:header|history)\b/i)) return ''
  return entriesOf(request, 'History-Info')
    .filter((entry) => isTrusted || !/[?&]privacy=[^&>]*history/i.test(entry))
    .flatMap((entry) => written(entry, numbers, HISTORY_PARAMETERS))
    .slice(-HISTORY_MAX)
    .join(', ')
}

const DIVERSION_PARAMETERS: Readonly<Record<string, RegExp>> = {
  reason: /^[a-z-]{1,32}$/i,
  counter: /^\d{1,2}$/,
  privacy: /^(?:full|name|uri|off)$/i,
}

const INDEX = /^\d{1,3}(?:\.\d{1,3}){0,9}$/
const HISTORY_PARAMETERS: Readonly<Record<string, RegExp>> = {
  index: INDEX,
  rc: INDEX,
  mp: INDEX,
  np: INDEX,
}

function written(
  entry: string,
  numbers: Numbers,
  allowed: Readonly<Record<string, RegExp>>,
): readonly string[] {
  const number = numberIn(entry, numbers)
  if (number === undefined) return []
  const given = entryParameters(entry)
  const parameters = Object.entries(allowed).flatMap(([name, form]) => {
    const value = given.get(name)
    return value !== undefined && form.test(value) ? [`;${name}=${value}`] : []
  })
  return [`<tel:${number}>${parameters.join('')}`]
}

const entriesOf = (request: Message, name: string): readonly string[] =>
  splitList(request.get(name) ?? '')

/** @see RFC 3323 §4.2 and RFC 7044 §10.1 */
const asksFor = (request: Message, privacy: RegExp): boolean =>
  privacy.test(request.get('Privacy') ?? '')

const isPrivate = (privacy: string | undefined): boolean => /^(?:full|uri)$/i.test(privacy ?? 'off')
