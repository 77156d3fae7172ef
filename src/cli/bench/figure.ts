/** One number of a benchmark, beside the same number of its peer. */
export interface Figure {
  readonly bench: string
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** Undefined where nothing comparable exists. */
  readonly peer?: { readonly name: string; readonly value: number }
  readonly better: 'higher' | 'lower'
}

/** How many times better than the peer: above 1 is better, whichever way the unit counts. */
export function ratioOf({ value, peer, better }: Figure): number | undefined {
  if (!peer) return undefined
  const ratio = better === 'higher' ? value / peer.value : peer.value / value
  return Number.isFinite(ratio) ? round(ratio) : undefined
}

/** One line of JSON, for programs. */
export function formatLine(figure: Figure): string {
  const { bench, value, unit, peer } = figure
  return JSON.stringify({
    bench,
    figure: figure.figure,
    value: round(value),
    unit,
    peer: peer?.name ?? null,
    peer_value: peer ? round(peer.value) : null,
    ratio: ratioOf(figure) ?? null,
  })
}

const HEAD = ['figure', 'value', 'unit', 'peer', 'peer value', 'ratio'] as const
const RIGHT = new Set([1, 4, 5])

/** A table, for people. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cellsOf)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0
          return RIGHT.has(column) ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cellsOf(figure: Figure): readonly string[] {
  const { bench, value, unit, peer } = figure
  const ratio = ratioOf(figure)
  return [
    `${bench}/${figure.figure}`,
    String(round(value)),
    unit,
    peer?.name ?? '-',
    peer ? String(round(peer.value)) : '-',
    ratio === undefined ? '-' : String(ratio),
  ]
}

/** Three digits say more than was measured already. */
const round = (value: number): number => Number(value.toPrecision(value >= 1_000 ? 4 : 3))

/** The value below which `share` (0 to 1) of all values lie. @throws RangeError if there are none */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  if (value === undefined) throw new RangeError('nothing was measured')
  return value
}
