import type { Trunk } from '../domain/campaign.ts'
import type { ConfigurationSnapshot } from '../domain/configuration-snapshot.ts'
import { type Admission, admit } from './admission.ts'
import { createDigestGate } from './digest-gate.ts'
import { runCall } from './invite.ts'
import { createInviteMemory } from './invite-memory.ts'
import type { Admitted, IncomingCall, InviteDeps, LiveCall } from './live-call.ts'
import type { SipRequest, SipResponse } from './srf.ts'
import { type TrunkFinder, trunkFinder } from './trunk.ts'
import { createTrunkLimits, type Entrance, type LimitReason } from './trunk-limits.ts'

/** What calls are routed by; a new object whenever the configuration changes. */
export type Directory = Pick<
  ConfigurationSnapshot,
  'trunks' | 'findNumber' | 'buyer' | 'configuration'
>

export interface ReceptionOptions extends Omit<InviteDeps, 'findBuyer' | 'memory'> {
  readonly directory: () => Directory
}

/** Where calls come in: lets them in or refuses them, and knows those that are live. */
export interface Reception {
  readonly receive: (request: SipRequest, response: SipResponse) => void
  readonly isDraining: () => boolean
  readonly liveCalls: () => number
  /** The UUIDs of live calls: from before their beginning is stored until their end is. */
  readonly liveCallUuids: () => ReadonlySet<string>
  /**
   * Takes no new calls, waits for live ones up to `limitMs`, hangs up the rest, and waits until every call's
   * end is stored or `limitMs` more have passed.
   */
  readonly close: (limitMs: number) => Promise<void>
}

/** Opens the reception of one process; what it remembers of callers is in memory. */
export function createReception(options: ReceptionOptions): Reception {
  const { log } = options
  const live = new Map<LiveCall, Promise<void>>()
  let isDraining = false
  const nowMs = () => performance.now()
  const memory = createInviteMemory(nowMs)
  const limits = createTrunkLimits(nowMs)
  const gate = createDigestGate({ secret: options.keys.derive('digest', 1), now: Date.now })
  const findTrunk = trunkFinderOf(options.directory)

  const refuse = (request: SipRequest, response: SipResponse, refusal: Refusal) => {
    const { status, reason, headers, isKnown } = refusal
    log.info('call.refused', { status, reason, source: request.source_address })
    if (isKnown) memory.end(request, status)
    response.send(status, headers ? { headers } : {})
  }
  const take = (incoming: IncomingCall) => {
    const { request, response } = incoming
    const deps = { ...options, memory, findBuyer: options.directory().buyer }
    let call: LiveCall | undefined
    memory.begin(request)
    const over = runCall(deps, incoming, (begun) => (call = begun))
      .catch((error: unknown) => {
        log.error('call.failed', { call_uuid: call?.callUuid, error })
        if (!response.finalResponseSent) response.send(500)
      })
      .finally(() => {
        if (memory.find(request)?.kind === 'under_way') memory.end(request, undefined)
        if (call) live.delete(call)
      })
    if (call) live.set(call, over)
  }

  return {
    receive(request, response) {
      const remembered = memory.find(request)
      if (remembered) {
        response.send(remembered.kind === 'answered' ? remembered.status : 482)
        return
      }
      const admission = admit(request, {
        isDraining,
        findTrunk: findTrunk(),
        checkCredentials: gate.check,
        isOwnCall: (invite) => isOwnCall(options, invite),
        findNumber: (e164) => options.directory().findNumber(e164),
      })
      if (admission.kind === 'refused') return refuse(request, response, admission)
      const entry = limits.enter(entranceOf(admission))
      if (entry.kind === 'refused') return refuse(request, response, beyondLimit(entry.reason))
      return take({ request, response, admitted: admission, leave: entry.leave })
    },
    isDraining: () => isDraining,
    liveCalls: () => live.size,
    liveCallUuids: () => new Set(live.keys().map(({ callUuid }) => callUuid)),
    async close(limitMs) {
      isDraining = true
      await within(limitMs, Promise.all(live.values()))
      for (const call of live.keys()) call.hangUp('draining')
      await within(limitMs, Promise.all(live.values()))
    },
  }
}

type Refusal = Omit<Extract<Admission, { readonly kind: 'refused' }>, 'kind'>

/** Who asks for privacy is counted by the number that the trunk asserts. */
const entranceOf = ({ trunk, caller, found }: Admitted): Entrance => ({
  trunk,
  caller: caller.number ?? caller.asserted,
  dialled: found.number.number,
})

/** Remembered by nobody, the SIP server neither: in a second, or once a call is over, the same INVITE is welcome. */
function beyondLimit(reason: LimitReason): Refusal {
  // A 503 has the carrier stop for as long as it says; only for all calls of a trunk that is not too much.
  const status = reason === 'too_many_calls_per_second' ? 503 : 486
  return { status, reason, isKnown: false, headers: { 'Retry-After': '1' } }
}

/** Nobody but us can have written a key that fits its UUID: such a call went out from here. */
function isOwnCall({ keys, headerNames }: ReceptionOptions, invite: SipRequest): boolean {
  const hex = invite.get(headerNames.uuid)?.replaceAll('-', '').toLowerCase() ?? ''
  const key = invite.get(headerNames.key)
  if (!/^[0-9a-f]{32}$/.test(hex) || key === undefined) return false
  const callUuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return keys.check(callUuid, key) !== undefined
}

/** The trunks' address lists, prepared again only when the configuration has changed. */
function trunkFinderOf(directory: () => Directory): () => TrunkFinder {
  let trunks: readonly Trunk[] | undefined
  let finder: TrunkFinder
  return () => {
    const now = directory().trunks
    if (now !== trunks) {
      trunks = now
      finder = trunkFinder(now)
    }
    return finder
  }
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>()
  const timer = setTimeout(limit.resolve, limitMs)
  await Promise.race([work, limit.promise])
  clearTimeout(timer)
}
