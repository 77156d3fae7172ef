import type { TestReference } from '../../sip-scenarios/rows/row.ts'

/** A change of the source that takes a behaviour away, and what has to fail then. */
export interface Mutant {
  readonly name: string
  /** The rule that it breaks. @see sip-scenarios/rows */
  readonly row: string
  /** Below `src/`. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  readonly proof: Proof
}

/** A scenario by its name, or a test. */
export type Proof = { readonly scenario: string } | { readonly test: TestReference }

export const byScenario = (scenario: string): Proof => ({ scenario })

export const byTest = (file: string, name: string): Proof => ({ test: { file, name } })
