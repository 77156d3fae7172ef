import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'

const POLL_MS = 20

const Call = z.object({
  state: z.string(),
  conversion: z.string(),
  reason: z.string().nullable(),
  revenue: z.string().nullable(),
  payout: z.string().nullable(),
})

/** What the demo reads of a call. */
export type ShownCall = z.infer<typeof Call>

/** The bridge's API, as an operator's program uses it. */
export interface Api {
  /** Makes the configuration equal to `document`. @throws where it is refused */
  readonly apply: (document: object) => Promise<void>
  /** Asks for the call until it fits; for ever, unless `signal` is aborted. */
  readonly callThat: (
    callUuid: string,
    fits: (call: ShownCall) => boolean,
    signal: AbortSignal,
  ) => Promise<ShownCall>
}

/** Talks to the API at `url` as the holder of `apiKey`. */
export function createApi(url: string, apiKey: string): Api {
  const request = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/v1${path}`, { ...init, headers })
    const body: unknown = await response.json()
    if (response.ok) return body
    throw new Error(`${path} answered ${response.status}: ${JSON.stringify(body)}`)
  }
  return {
    async apply(document) {
      await request('/configuration', { method: 'PUT', body: JSON.stringify(document) })
    },
    async callThat(callUuid, fits, signal) {
      for (;;) {
        const call = Call.parse(await request(`/calls/${callUuid}`, { signal }))
        if (fits(call)) return call
        await delay(POLL_MS, undefined, { signal })
      }
    },
  }
}
