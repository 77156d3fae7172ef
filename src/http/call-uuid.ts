const UUID =
  /^([0-9a-f]{8})(?:-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-|([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4}))([0-9a-f]{12})$/

/**
 * Reads a UUID in standard or compact form (32 hex digits), any case, and gives it in lower case with
 * hyphens; undefined for anything else. @see behaviour B1
 */
export function parseCallUuid(text: string): string | undefined {
  const match = UUID.exec(text.toLowerCase())
  return match
    ?.slice(1)
    .filter((part: string | undefined) => part !== undefined)
    .join('-')
}

/** The lowest version 7 UUID that an instant can have: a range of time becomes a range of UUIDs. */
export function lowestUuidAt(instant: Date): string {
  const hex = Math.max(0, instant.getTime()).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`
}
