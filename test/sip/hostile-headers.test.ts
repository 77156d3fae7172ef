import { expect, it } from 'vitest'
import { dialledNumber, PLAIN_WRITING, readCaller, readVerstat } from '../../src/sip/caller-id.ts'
import { parseDigests } from '../../src/sip/digest.ts'
import { isDiversionLoop } from '../../src/sip/diversion.ts'
import { entryParameters, splitList } from '../../src/sip/header-list.ts'

/** As many characters as a request may have at all. */
const LENGTH = 16_000
/** Fifty times what is needed, a tenth of what a search takes that begins anew at every character. */
const MS_MAX = 25

const NUMBERS = { country: undefined, prefix: '' }
const everywhere = (text: string) => ({ uri: text, get: () => text })

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseDigests,
  splitList,
  entryParameters,
  readCaller: (text) => readCaller(everywhere(text), PLAIN_WRITING),
  readVerstat: (text) => readVerstat(everywhere(text)),
  dialledNumber: (text) => dialledNumber(everywhere(text), PLAIN_WRITING),
  isDiversionLoop: (text) => isDiversionLoop(everywhere(text), NUMBERS),
}

const PIECES = [
  'a',
  'a=',
  '"',
  '\\"',
  '<',
  'sip:a;',
  'sip:',
  ';',
  '; ',
  ';a="',
  ' ',
  '\t',
  ',',
  '%',
]

function bestOf(times: number, work: () => unknown): number {
  const took = Array.from({ length: times }, () => {
    const startedAt = performance.now()
    work()
    return performance.now() - startedAt
  })
  return Math.min(...took)
}

it.each(Object.entries(READERS))(
  '%s takes time in proportion to what a stranger has written, whatever that is (6.8)',
  (_, read) => {
    const slow = PIECES.flatMap((piece) =>
      ['Digest ', '"', 'sip:a;', 'a'].flatMap((before) => {
        const text = `${before}${piece.repeat(LENGTH / piece.length)}!`
        const tookMs = bestOf(3, () => read(text))
        return tookMs > MS_MAX ? [`${before}${piece}… ${Math.round(tookMs)} ms`] : []
      }),
    )
    expect(slow).toEqual([])
  },
)
