import { expect, it } from 'vitest'
import { readOutcomes } from '../../../src/cli/engine-soak/outcomes.ts'

it('reads the first that a call came to, and leaves one without any open', () => {
  const log = [
    'began 1@a 2026-11-23\t17:31:13.000000\t1795455073.214784',
    'began 2@a 2026-11-23\t17:31:13.000000\t1795455074.000000',
    'talked 1@a 2026-11-23\t17:31:13.000000\t1795455075.500000',
    'cut 1@a 2026-11-23\t17:31:13.000000\t1795455076.000000',
    'talked 3@a 2026-11-23\t17:31:13.000000\t1795455076.000000',
    'began 4@a 2026-11-23\t17:3',
  ].join('\n')
  expect(readOutcomes(log)).toEqual([
    {
      sipCallId: '1@a',
      beganAtMs: 1_795_455_073_214.784,
      outcome: { name: 'talked', atMs: 1_795_455_075_500 },
    },
    { sipCallId: '2@a', beganAtMs: 1_795_455_074_000, outcome: undefined },
  ])
})
