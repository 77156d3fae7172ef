import { expect, it } from 'vitest'
import { chanceOf } from '../../src/cli/faults/chance.ts'
import { planBuyer } from '../../src/cli/faults/plan.ts'

const plans = Array.from({ length: 10_000 }, (_, call) => planBuyer(7, `call ${call}`))

it('gives every kind of buyer its share of the calls', () => {
  const share = (is: (plan: (typeof plans)[number]) => boolean) => plans.filter(is).length / 10_000
  expect(share(({ kind }) => kind === 'silent')).toBeCloseTo(0.2, 1)
  expect(share(({ kind }) => kind === 'wrong_key')).toBeCloseTo(0.05, 1)
  expect(share((plan) => plan.kind === 'posts' && plan.delayMs > 3_100)).toBeCloseTo(0.1, 1)
  expect(share((plan) => plan.kind === 'posts' && plan.copies === 3)).toBeGreaterThan(0.05)
  expect(share((plan) => plan.kind === 'posts' && plan.amounts.length === 3)).toBeGreaterThan(0.08)
})

it('plans amounts that are all different, so that none is a repeat of another', () => {
  for (const plan of plans) {
    if (plan.kind !== 'posts') continue
    expect(new Set(plan.amounts).size).toBe(plan.amounts.length)
    expect(plan.amounts.join()).toMatch(/^\d+\.\d0(?:,\d+\.\d0)*$/)
  }
})

it('gives the same for the same seed, and something else for another', () => {
  expect(planBuyer(7, 'call 1')).toEqual(plans[1])
  const others = plans.filter((plan, call) => {
    const other = planBuyer(8, `call ${call}`)
    return JSON.stringify(plan) !== JSON.stringify(other)
  })
  expect(others.length).toBeGreaterThan(7_000)
  expect(chanceOf(1, 'a')).not.toBe(chanceOf(1, 'b'))
})
