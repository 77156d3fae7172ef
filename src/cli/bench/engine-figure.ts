import type { ServerSubject } from './engine-subject.ts'
import type { Figure } from './figure.ts'

/** A figure of the engine, which is the first of the servers, beside that of the second. */
export function engineFigure(
  servers: readonly Pick<ServerSubject, 'name'>[],
  [value = 0, peerValue]: readonly number[],
  figure: Pick<Figure, 'figure' | 'unit' | 'better'>,
): Figure {
  const name = servers[1]?.name
  return {
    bench: 'engine',
    ...figure,
    value,
    ...(name !== undefined && peerValue !== undefined && { peer: { name, value: peerValue } }),
  }
}
