/** What is counted of refused requests and unreadable messages; every limit has a name of its own. */
export const REFUSAL_COUNTER_NAMES = [
  'messagesTooLong',
  'headersTooLong',
  'headerLinesTooLong',
  'headerLinesTooMany',
  'urisTooLong',
  'viasTooMany',
  'recordRoutesTooMany',
  'contentLengthsWrong',
  'messagesMalformed',
  'methodsUnknown',
  'schemesUnknown',
  'extensionsUnknown',
  'hopsExhausted',
  'versionsUnknown',
] as const

export type RefusalCounter = (typeof REFUSAL_COUNTER_NAMES)[number]

const BY_REASON: Readonly<Record<string, RefusalCounter>> = {
  'Header Too Long': 'headersTooLong',
  'Header Line Too Long': 'headerLinesTooLong',
  'Too Many Header Lines': 'headerLinesTooMany',
  'Too Many Via Headers': 'viasTooMany',
  'Too Many Record-Route Headers': 'recordRoutesTooMany',
  'Bad Content-Length Header': 'contentLengthsWrong',
}

const BY_STATUS: Readonly<Record<number, RefusalCounter>> = {
  405: 'methodsUnknown',
  414: 'urisTooLong',
  416: 'schemesUnknown',
  420: 'extensionsUnknown',
  483: 'hopsExhausted',
  505: 'versionsUnknown',
  513: 'messagesTooLong',
}

/** The counter of a refusal, by the reason that the engine gives for it. */
export function counterOfRefusal(status: number | undefined, reason: string): RefusalCounter {
  return BY_REASON[reason] ?? BY_STATUS[status ?? 400] ?? 'messagesMalformed'
}
