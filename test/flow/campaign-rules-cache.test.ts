import { expect, it } from 'vitest'
import type { Queryable } from '../../src/db/queryable.ts'
import { createCampaignRulesCache } from '../../src/flow/campaign-rules-cache.ts'

it('keeps the versions that were used last, and lets go of those not used for longest', async () => {
  const asked: unknown[] = []
  const query = (statement: unknown) => {
    asked.push((statement as { values: readonly unknown[] }).values[1])
    return Promise.resolve({ rows: [{ definition: { id: 'a', name: 'A' } }], rowCount: 1 })
  }
  const findRules = createCampaignRulesCache({ query: query as Queryable['query'] }, 2)

  for (const version of [1, 2, 1, 3, 1, 4, 1, 2]) await findRules('a', version)
  expect(asked).toEqual([1, 2, 3, 4, 2])
})
