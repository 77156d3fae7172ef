/** What vitest's json reporter writes, as far as it is read; all absent if vitest ended before it. */
export interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  /** Skipped ones. */
  readonly numPendingTests?: number
  readonly numTodoTests?: number
  readonly testResults?: readonly {
    readonly status: string
    readonly assertionResults: readonly unknown[]
  }[]
}

export interface TestRun {
  /** Vitest's exit code was 0. */
  readonly isSuccess: boolean
  /** Every test was asked for, so that none may have been skipped. */
  readonly isComplete: boolean
}

/**
 * How many tests passed and failed. In a complete run a test that was skipped, a file that could not
 * be loaded and an error outside of any test count as failures: nothing is left out in silence.
 */
export function countTests(
  report: Report,
  { isSuccess, isComplete }: TestRun,
): { readonly passed: number; readonly failed: number } {
  const { numPassedTests = 0, numFailedTests = 0, testResults = [] } = report
  const { numPendingTests = 0, numTodoTests = 0 } = report
  const skipped = isComplete ? numPendingTests + numTodoTests : 0
  const unloaded = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length
  const failed = numFailedTests + skipped + unloaded
  return { passed: numPassedTests, failed: failed === 0 && !isSuccess ? 1 : failed }
}
