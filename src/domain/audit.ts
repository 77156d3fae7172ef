/** Everything that people do to the service by hand or see of its secrets, in the words of the record. */
export const ACTS = [
  'configuration.applied',
  'configuration.read',
  'api_key.created',
  'api_key.revoked',
  'delivery.resent',
  'deliveries.resent',
  'tracking_url.tested',
  'calls.replayed',
  'month.dropped',
] as const

export type ActName = (typeof ACTS)[number]

/** Who does something by hand. */
export type Actor =
  | {
      /** Through the API. */
      readonly kind: 'key'
      /** Undefined for the environment's key. */
      readonly keyId: string | undefined
      readonly name: string
      /** The address that the request came from. */
      readonly source: string
    }
  | {
      /** On the command line, as this user of the machine. */
      readonly kind: 'cli'
      readonly name: string
    }

/** What somebody has done. */
export interface Act {
  readonly what: ActName
  /** The id of what it was done to; undefined where it was done to many. */
  readonly subject?: string | undefined
  /** What else there is to know of it, in the words of the API; no secrets. */
  readonly details: Readonly<Record<string, unknown>>
}

const LINES_MAX = 100

/** A list for the details of an act: the first hundred lines, and how many there are beyond. */
export function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= LINES_MAX) return lines
  return [...lines.slice(0, LINES_MAX), `… and ${lines.length - LINES_MAX} more`]
}
