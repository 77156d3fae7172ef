import { element } from './element.js'

/** An instant in the reader's time zone, to the second, by a clock of 24 hours: half a day is no mistake to make at night.
 * @param {string | Date} instant
 */
export const timeText = (instant) =>
  new Date(instant).toLocaleString(undefined, {
    dateStyle: 'short',
    timeStyle: 'medium',
    hourCycle: 'h23',
  })

/** The same for a table; in UTC and to the millisecond when pointed at.
 * @param {string | null | undefined} instant
 */
export function time(instant) {
  if (!instant) return '–'
  return element('time', { datetime: instant, title: instant }, timeText(instant))
}

/** The time zone that instants are shown in, as in `Europe/Berlin, GMT+1`.
 * @param {Date} now for the offset
 */
export function timeZone(now) {
  const format = new Intl.DateTimeFormat('en', { timeZoneName: 'shortOffset' })
  const offset = format.formatToParts(now).find(({ type }) => type === 'timeZoneName')?.value
  return `${format.resolvedOptions().timeZone}, ${offset ?? ''}`
}

/** An amount as the ledger has it, with its currency where that is not a column of its own.
 * @param {string | null | undefined} amount
 * @param {string} [currency]
 */
export const money = (amount, currency) =>
  amount === null || amount === undefined ? '–' : [amount, currency].filter(Boolean).join(' ')

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–'
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor(seconds / 60) % 60
  const parts = [hours > 0 && `${hours} h`, seconds >= 60 && `${minutes} min`, `${seconds % 60} s`]
  return parts.filter(Boolean).join(' ')
}

/** How many of the whole, in percent.
 * @param {number} part
 * @param {number} whole
 */
export const share = (part, whole) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`)

const GOOD = new Set(['converted', 'delivered', 'bridged', 'ok', 'answers', 'answered'])
const BAD = new Set(['failed', 'not_ready', 'does_not_answer', 'failing', 'gone', 'no_answer'])

/** A word of the API as people write it.
 * @param {string | null | undefined} word
 */
export const words = (word) => (word ?? '').replaceAll(/[._]/g, ' ')

/** A state as a coloured word.
 * @param {string | null | undefined} state
 */
export function badge(state) {
  const text = state ?? '–'
  const kind = GOOD.has(text) ? 'good' : BAD.has(text) ? 'bad' : 'plain'
  return element('span', { class: `badge ${kind}` }, words(text))
}

/** @param {string} uuid */
export const callLink = (uuid) =>
  element('a', { class: 'mono line', href: `#/calls/${uuid}`, title: uuid }, `…${uuid.slice(-12)}`)

/** A name that may be longer than its column is wide.
 * @param {string} text
 */
export const longName = (text) => element('span', { class: 'name-of' }, text)

/** The calls that one of the filters of their list leaves.
 * @param {'campaign' | 'publisher' | 'buyer' | 'caller'} filter
 * @param {string | null | undefined} value
 */
export const callsLink = (filter, value) =>
  value &&
  element(
    'a',
    { href: `#/calls?${new URLSearchParams({ [filter]: value })}`, class: 'name-of' },
    value,
  )

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

/** What a key and a value say, for whatever has no line of its own.
 * @param {Record<string, unknown>} details
 */
export function details(details) {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .filter(([, value]) => typeof value !== 'object' || Object.keys(value ?? {}).length > 0)
    .map(([name, value]) => `${words(name)} ${valueText(value)}`)
    .join(' · ')
}

/** @param {unknown} value */
function valueText(value) {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return value.join('; ')
  if (typeof value === 'object') return JSON.stringify(value)
  return typeof value === 'string' && INSTANT.test(value) ? timeText(value) : String(value)
}
