import manifest from '../../package.json' with { type: 'json' }

/** Who we say we are, with where to ask about us if that is configured. @see behaviour B14 */
export function userAgentOf(contactUrl: string | undefined): string {
  return `Bridgeback/${manifest.version}${contactUrl ? ` (+${contactUrl})` : ''}`
}
