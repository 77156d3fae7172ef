import { onTestFinished } from 'vitest'
import type { Buyer, Campaign, Trunk } from '../../../src/domain/campaign.ts'
import type { ConfigurationSnapshot } from '../../../src/domain/configuration-snapshot.ts'
import { indexConfiguration } from '../../../src/domain/configuration-snapshot.ts'
import { planRoutes } from '../../../src/domain/routing.ts'
import type { BegunCall, CallBeginning } from '../../../src/flow/begin-call.ts'
import type { Bridging } from '../../../src/flow/bridge-call.ts'
import type { NextRound } from '../../../src/flow/dial-leg.ts'
import type { CallEnd } from '../../../src/flow/end-call.ts'
import { createCallKeys } from '../../../src/keys.ts'
import { type SipController, startController } from '../../../src/sip/controller.ts'
import type { CallFlow, InviteDeps } from '../../../src/sip/live-call.ts'
import type { SipServer } from '../../../src/sip/server-watch.ts'
import { aBuyer, aCampaign, silent } from '../../support/flow.ts'
import type { Logger } from '../../../src/telemetry/logger.ts'
import { waitFor } from '../../support/wait.ts'
import { type Caller, caller } from '../engine/support/caller.ts'
import type { Message, Phone } from '../engine/support/phone.ts'
import { openWorld, type World } from '../engine/support/world.ts'

/** What the controller told the flow, in the order it happened. */
export interface Recorded {
  readonly begun: CallBeginning[]
  readonly nextRounds: NextRound[]
  readonly bridged: Bridging[]
  readonly ended: CallEnd[]
}

export interface ServiceUnderTest {
  readonly world: World
  readonly controller: SipController
  readonly recorded: Recorded
  readonly callerPhone: Phone
  readonly buyers: readonly Phone[]
  /** A new caller, whose INVITE has been sent. */
  readonly dial: (parts?: Parameters<Caller['invite']>[0]) => Caller
  /** Ends the SIP server, and the phones with it. */
  readonly loseServer: () => Promise<void>
  /** Waits for the end of the only call. */
  readonly ending: () => Promise<CallEnd>
}

/** The names that a deployment has unless it is told otherwise. */
export const HEADER_NAMES = { uuid: 'X-PH-RetreaverUUID', key: 'X-PH-RetreaverKey' }

export const keys = createCallKeys([{ version: 1, secret: 'test' }])

interface ServiceOptions {
  readonly buyers?: number
  readonly buyer?: Partial<Buyer>
  readonly campaign?: Partial<Campaign>
  /** Whether the buyers ring at the same time instead of one after the other. */
  readonly ringsTogether?: boolean
  readonly trunks?: readonly Trunk[]
  readonly flow?: Partial<CallFlow>
  readonly names?: InviteDeps['names']
  readonly log?: Partial<Logger>
  /** How the controller reaches the engine, where not directly. */
  readonly through?: (engine: SipServer) => Promise<SipServer>
}

const NAMES = () => ({ campaignName: 'Solar', publisherName: 'Acme', buyerName: 'Buyer' })

/** The controller on an engine, with a phone for the caller and one for each buyer. */
export async function startService(options: ServiceOptions = {}): Promise<ServiceUnderTest> {
  const { buyers: count = 1, flow = {}, through } = options
  const world = await openWorld()
  const callerPhone = await world.phone()
  const buyers = await Promise.all(Array.from({ length: count }, () => world.phone()))
  const recorded: Recorded = { begun: [], nextRounds: [], bridged: [], ended: [] }
  const snapshot = directory(buyers, options)
  const engine = { ...world.stack.admin, secret: 'secret' }
  const controller = await startController({
    server: through ? await through(engine) : engine,
    directory: () => snapshot,
    connectTimeoutMs: 2_000,
    flow: { ...recordingFlow(recorded), ...flow },
    keys,
    headerNames: HEADER_NAMES,
    processId: '019f2d6e-0000-7000-8000-000000000001',
    names: options.names ?? NAMES,
    random: () => 0.5,
    callMsMax: 60_000,
    log: { ...silent, ...options.log },
  })
  let serverLost: Promise<void> | undefined
  // Not `world.close`, which waits until nobody is connected to the server any more.
  const end = async () => {
    await Promise.all([callerPhone, ...buyers].map((phone) => phone.close()))
    await world.stack.close()
  }
  const loseServer = () => (serverLost ??= end())
  onTestFinished(async () => {
    await controller.close(0)
    await (serverLost ?? world.close())
  })
  return {
    world,
    controller,
    recorded,
    callerPhone,
    buyers,
    loseServer,
    dial(parts) {
      const from = caller(callerPhone, world.port)
      callerPhone.sendRaw(from.invite(parts))
      return from
    },
    ending: () => waitFor(() => recorded.ended[0], { what: 'the end of the call' }),
  }
}

/** A call as the flow would give it back, its buyers planned as if none had any load. */
export function planned({ facts, routing }: CallBeginning): BegunCall {
  const now = new Date(0)
  const plan = planRoutes(routing, { now, loadOf: () => undefined, earlierBuyerId: undefined })
  return { facts: { ...facts, startedAt: now }, plan }
}

function recordingFlow(recorded: Recorded): CallFlow {
  return {
    beginCall: async (beginning) => {
      recorded.begun.push(beginning)
      return planned(beginning)
    },
    dialNextRound: async (next) => {
      recorded.nextRounds.push(next)
      const reachable = next.rounds.map((legs) =>
        legs.filter(({ buyer }) => next.isReachable(buyer)),
      )
      const [round = [], ...rest] = reachable.filter(({ length }) => length > 0)
      return { round, rest, leftOut: [] }
    },
    bridgeCall: async (bridging) => void recorded.bridged.push(bridging),
    endCall: async (end) => void recorded.ended.push(end),
  }
}

function directory(
  phones: readonly Phone[],
  {
    buyer: overrides,
    ringsTogether = false,
    campaign: campaignOverrides,
    trunks = [],
  }: ServiceOptions,
): ConfigurationSnapshot {
  const buyers = phones.map(({ port }, index): Buyer => ({
    ...aBuyer(),
    buyerId: `buyer-${index + 1}`,
    name: `Buyer ${index + 1}`,
    endpoint: `sip:sales@127.0.0.1:${port}`,
    requestUri: `sip:sales@127.0.0.1:${port}`,
    ...overrides,
  }))
  const campaign: Campaign = {
    ...aCampaign(),
    routes: buyers.map(({ buyerId }, index) => ({
      buyerId,
      priority: ringsTogether ? 1 : index + 1,
      weight: 1,
      ringsTogether,
      filters: {},
    })),
    ...campaignOverrides,
    numbers: [{ number: '+18005550100', publisherId: 'acme', subId: undefined }],
  }
  const publishers = [{ publisherId: 'acme', name: 'Acme' }]
  const configuration = { publishers, buyers, trunks, campaigns: [campaign] }
  return indexConfiguration(1, configuration, new Map([[campaign.campaignId, 1]]))
}

/** The value of a header, once; fails if it is there more than once. */
export function header(message: Message, name: string): string | undefined {
  const found = message.headers.filter(({ key }) => key === name.toLowerCase())
  if (found.length > 1) throw new Error(`${found.length} times ${name}`)
  return found[0]?.value
}

/** The next INVITE that is no copy of one that the buyer has had already. */
export async function newInvite(phone: Phone, before: Message): Promise<Message> {
  for (;;) {
    const invite = await phone.expect('INVITE')
    if (header(invite, 'Via') !== header(before, 'Via')) return invite
  }
}

/** A request of a buyer inside the dialog that its answer to `invite` has made. */
export function fromBuyer(
  phone: Phone,
  invite: Message,
  { method, cseq, body = '', headers = [] }: BuyerRequest,
): string {
  const target = /<([^>]+)>/.exec(header(invite, 'Contact') ?? '')?.[1] ?? ''
  const type = body === '' ? [] : ['Content-Type: application/sdp']
  return [
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${phone.port};rport;branch=z9hG4bK-buyer-${method}-${cseq}`,
    'Max-Forwards: 70',
    `From: ${header(invite, 'To') ?? ''};tag=phonetag`,
    `To: ${header(invite, 'From') ?? ''}`,
    `Call-ID: ${header(invite, 'Call-ID') ?? ''}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:phone@127.0.0.1:${phone.port}>`,
    ...headers,
    ...type,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

interface BuyerRequest {
  readonly method: string
  readonly cseq: number
  readonly body?: string
  readonly headers?: readonly string[]
}
