/** How a call went, as one of its phones wrote it down. */
export interface PhoneCall {
  readonly sipCallId: string
  /** In ms since 1970, by the clock of this machine; so are all instants here. */
  readonly beganAtMs: number
  /** What it came to first; undefined if the phone never said, which no call may do. */
  readonly outcome: { readonly name: string; readonly atMs: number } | undefined
}

const LINE = /^(\w+) (\S+) .*?(\d+\.\d+)$/

/**
 * Reads what a phone has written: a line `NAME SIP-CALL-ID TIMESTAMP` for each event, the first of a call
 * being `began`. A BYE that is repeated may reach a call that is over: what comes after the first outcome
 * says nothing.
 */
export function readOutcomes(log: string): readonly PhoneCall[] {
  const calls = new Map<string, PhoneCall>()
  for (const line of log.split('\n')) {
    const [, name, sipCallId, seconds] = LINE.exec(line) ?? []
    if (name === undefined || sipCallId === undefined) continue
    const atMs = Number(seconds) * 1_000
    const call = calls.get(sipCallId)
    if (!call && name === 'began')
      calls.set(sipCallId, { sipCallId, beganAtMs: atMs, outcome: undefined })
    else if (call && !call.outcome) calls.set(sipCallId, { ...call, outcome: { name, atMs } })
  }
  return [...calls.values()]
}
