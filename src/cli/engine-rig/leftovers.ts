import type { EngineStats } from '../../sip/engine/options.ts'

/** How many entries tables may have, by their names. */
type Allowed = Readonly<Record<string, number>>

/** What is known of names and of failed places is kept for later calls, and sockets listen. */
const KEPT: Allowed = { names: Infinity, sockets: Infinity }

/**
 * Tables that are not empty although no call is up, nobody is connected and no stranger has called; with
 * `allowed`, those that hold more than what is known to be there.
 */
export function leftovers(
  { tables }: Pick<EngineStats, 'tables'>,
  allowed: Allowed = {},
): readonly string[] {
  const most: Allowed = { ...KEPT, ...allowed }
  return Object.entries(tables)
    .filter(([name, size]) => size > (most[name] ?? 0))
    .map(([name, size]) => `${name}: ${size}`)
}
