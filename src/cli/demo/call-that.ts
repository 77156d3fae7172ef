import { setTimeout as delay } from 'node:timers/promises'
import type { Api, ApiCall } from '../../../sip-scenarios/api.ts'

const POLL_MS = 20

/** Asks for the call until it fits; for ever, unless `signal` is aborted. */
export async function callThat(
  api: Api,
  callUuid: string,
  { fits, signal }: { readonly fits: (call: ApiCall) => boolean; readonly signal: AbortSignal },
): Promise<ApiCall> {
  for (;;) {
    const call = await api.call(callUuid)
    if (fits(call)) return call
    await delay(POLL_MS, undefined, { signal })
  }
}
