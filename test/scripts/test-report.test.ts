import { expect, it } from 'vitest'
import { countTests } from '../../scripts/test-report.ts'

const complete = { isSuccess: true, isComplete: true }
const unloaded = { status: 'failed', assertionResults: [] }

it.each([
  {
    name: 'counts what passed and what failed',
    report: { numPassedTests: 7, numFailedTests: 2 },
    run: { isSuccess: false, isComplete: true },
    expected: { passed: 7, failed: 2 },
  },
  {
    name: 'takes a skipped test of a complete run for a failure',
    report: { numPassedTests: 7, numPendingTests: 1, numTodoTests: 1 },
    run: complete,
    expected: { passed: 7, failed: 2 },
  },
  {
    name: 'does not when only some tests were asked for',
    report: { numPassedTests: 7, numPendingTests: 90 },
    run: { isSuccess: true, isComplete: false },
    expected: { passed: 7, failed: 0 },
  },
  {
    name: 'takes a file that could not be loaded for a failure',
    report: { numPassedTests: 7, testResults: [unloaded] },
    run: { isSuccess: false, isComplete: true },
    expected: { passed: 7, failed: 1 },
  },
  {
    name: 'takes an error outside of any test for a failure',
    report: { numPassedTests: 7 },
    run: { isSuccess: false, isComplete: true },
    expected: { passed: 7, failed: 1 },
  },
  {
    name: 'takes no report at all for a failure',
    report: {},
    run: { isSuccess: false, isComplete: true },
    expected: { passed: 0, failed: 1 },
  },
])('$name', ({ report, run, expected }) => {
  expect(countTests(report, run)).toEqual(expected)
})
