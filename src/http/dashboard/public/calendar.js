import { element } from './element.js'

/** A day as the reader's calendar has it, and inputs take it: `2026-03-01`.
 * @param {Date} date
 */
export function dayOf(date) {
  const parts = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'))
  return [date.getFullYear(), ...parts].join('-')
}

/** The day so many days from this one.
 * @param {Date} now
 * @param {number} days
 */
export const dayFrom = (now, days) =>
  dayOf(new Date(now.getFullYear(), now.getMonth(), now.getDate() + days))

/** The reader's time zone, by its IANA name. */
export const zoneName = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/**
 * The same query with instants in the place of days, which begin in the reader's time zone: for the API they
 * would be days of UTC. Links of the API have instants already.
 *
 * @param {Record<string, string>} query
 * @param {readonly string[]} names
 */
export function withInstants(query, names) {
  const days = names.filter((name) => /^\d{4}-\d\d-\d\d$/.test(query[name] ?? ''))
  const instants = days.map((name) => [name, new Date(`${query[name]}T00:00`).toISOString()])
  return { ...query, ...Object.fromEntries(instants) }
}

/** An input for a day of a query that may hold an instant.
 * @param {string} name
 * @param {Record<string, string>} query
 */
export function dayInput(name, query) {
  const given = query[name] ?? ''
  const value = given.includes('T') ? dayOf(new Date(given)) : given
  return element('input', { type: 'date', name, value })
}
