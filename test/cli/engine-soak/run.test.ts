import { expect, it } from 'vitest'
import { runEngineSoak } from '../../../src/cli/engine-soak/run.ts'

it(
  'ends with no lost call, dialog or byte while packets are lost and the application is killed',
  { timeout: 120_000 },
  async () => {
    const said: string[] = []
    const { verdicts, summary } = await runEngineSoak({
      seed: 1,
      seconds: 10,
      rate: 50,
      lossPercent: 1,
      killEveryMs: 6_000,
      warmUpSeconds: 0,
      t1Ms: 100,
      progress: (text) => said.push(text),
    })
    const broken = verdicts.filter(({ ok }) => !ok)
    expect(broken, `${summary}; ${said.at(-1) ?? ''}`).toEqual([])
    expect(summary).toMatch(/^500 calls, \d+ of them cut by [1-9]\d* kills?, \d+ hostile packets$/)
  },
)
