import { element } from './element.js'

/** An instant in the reader's time zone, to the second; the whole of it when pointed at.
 * @param {string | null | undefined} instant
 */
export function time(instant) {
  if (!instant) return '–'
  const date = new Date(instant)
  const text = date.toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' })
  return element('time', { datetime: instant, title: instant }, text)
}

/** An amount as the ledger has it.
 * @param {string | null | undefined} amount
 */
export const money = (amount) => amount ?? '–'

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–'
  const minutes = Math.floor(seconds / 60)
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`
}

/** How many of the whole, in percent.
 * @param {number} part
 * @param {number} whole
 */
export const share = (part, whole) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`)

const GOOD = new Set(['converted', 'delivered', 'bridged', 'ok'])
const BAD = new Set(['failed', 'not_ready'])

/** A state as a coloured word.
 * @param {string | null | undefined} state
 */
export function badge(state) {
  const text = state ?? '–'
  const kind = GOOD.has(text) ? 'good' : BAD.has(text) ? 'bad' : 'plain'
  return element('span', { class: `badge ${kind}` }, text.replaceAll('_', ' '))
}

/** @param {string} uuid */
export const callLink = (uuid) =>
  element('a', { class: 'mono line', href: `#/calls/${uuid}`, title: uuid }, `…${uuid.slice(-12)}`)

/** What a key and a value say, for whatever has no line of its own.
 * @param {Record<string, unknown>} details
 */
export function details(details) {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .filter(([, value]) => typeof value !== 'object' || Object.keys(value ?? {}).length > 0)
    .map(
      ([name, value]) =>
        `${name.replaceAll('_', ' ')} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
    )
    .join(' · ')
}
