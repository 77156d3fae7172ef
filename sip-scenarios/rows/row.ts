/** Something that a bridge has to get right, and what would fail if it did not. */
export interface Row {
  readonly id: string
  readonly rule: string
  /** Scenarios by name. */
  readonly scenarios?: readonly string[]
  /** Tests, where SIPp cannot see it or would have to wait too long. */
  readonly tests?: readonly TestReference[]
}

export interface TestReference {
  /** Below `test/`. */
  readonly file: string
  /** What stands in the file as the test's name, or the beginning of it. */
  readonly name: string
}

/** A test of the suite as proof. */
export const test = (file: string, name: string): TestReference => ({ file, name })
