/** What an SRV record says. */
export interface ServiceRecord {
  readonly name: string
  readonly port: number
  /** Lower ones are tried first. */
  readonly priority: number
  /** Within one priority: the share of first places. */
  readonly weight: number
}

/**
 * Puts SRV records into the order in which they are tried: by priority, and within one priority by chance
 * according to weight.
 *
 * @param random from 0 to just below 1
 * @see RFC 2782, "Weight"
 */
export function orderServices(
  records: readonly ServiceRecord[],
  random: () => number,
): readonly ServiceRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].toSorted((a, b) => a - b)
  return priorities.flatMap((wanted) =>
    drawAll(
      records.filter(({ priority }) => priority === wanted),
      random,
    ),
  )
}

function drawAll(
  records: readonly ServiceRecord[],
  random: () => number,
): readonly ServiceRecord[] {
  // Those without weight come first in the row, so that they have a small chance at all.
  const left = records.toSorted((a, b) => a.weight - b.weight)
  const drawn: ServiceRecord[] = []
  while (left.length > 0) drawn.push(...left.splice(draw(left, random), 1))
  return drawn
}

function draw(records: readonly ServiceRecord[], random: () => number): number {
  const sum = records.reduce((total, { weight }) => total + weight, 0)
  const mark = Math.floor(random() * (sum + 1))
  let running = 0
  return records.findIndex(({ weight }) => {
    running += weight
    return running >= mark
  })
}
