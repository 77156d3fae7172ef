import { describe, expect, it } from 'vitest'
import {
  afterOutcome,
  HEALTHY,
  type UrlHealth,
  type UrlOutcome,
} from '../../src/domain/delivery-health.ts'

function play(outcomes: readonly UrlOutcome[]) {
  let health: UrlHealth = HEALTHY
  const told = outcomes.flatMap((outcome, index) => {
    const [next, news] = afterOutcome(health, outcome)
    health = next
    return news === 'nothing' ? [] : [`${index + 1} ${news}`]
  })
  return { told, health }
}

const failures = (count: number) => Array.from({ length: count }, (): UrlOutcome => 'failed')

describe('the health of a tracking URL (B14)', () => {
  it.each([
    ['nine failures', failures(9), [], { failures: 9, problem: 'none' }],
    ['ten failures', failures(10), ['10 failing'], { failures: 10, problem: 'failing' }],
    ['a hundred', failures(100), ['10 failing', '100 failing'], { failures: 100 }],
    ['a success between', [...failures(9), 'delivered', ...failures(9)] as const, [], {}],
    ['recovery', [...failures(10), 'delivered'] as const, ['10 failing', '11 recovered'], HEALTHY],
    ['410', ['refused_forever'] as const, ['1 gone'], { failures: 1, problem: 'gone' }],
    ['410 twice', ['refused_forever', 'refused_forever'] as const, ['1 gone', '2 gone'], {}],
    [
      '410, then 500s',
      ['refused_forever', ...failures(9)] as const,
      ['1 gone', '10 failing'],
      {
        problem: 'gone',
      },
    ],
    [
      '410, then 200',
      ['refused_forever', 'delivered'] as const,
      ['1 gone', '2 recovered'],
      HEALTHY,
    ],
    ['all well', ['delivered', 'delivered'] as const, [], HEALTHY],
  ])('after %s', (_, outcomes, told, health) => {
    const played = play(outcomes)
    expect(played.told).toEqual(told)
    expect(played.health).toMatchObject(health)
  })
})
