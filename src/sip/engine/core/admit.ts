import type { Admission } from '../guard.ts'
import type { Core } from './state.ts'

/** Counts a new request, or a connection, of a source against its limit. */
export function admit({ counters, guard }: Core, address: string): Admission {
  const admission = guard.admit(address)
  if (admission === 'admit') return admission
  counters.requestsLimited++
  if (guard.isBanned(address)) counters.sourcesBanned++
  return admission
}
