import type { Dialog } from '../../sip/srf.ts'
import type { ApiCall } from '../../../sip-scenarios/api.ts'
import { callThat } from './call-that.ts'
import { demoConfiguration, POSTBACK_TIMEOUT_SECONDS, TRACKING_NUMBER } from './configuration.ts'
import type { IncomingCall } from './phones.ts'
import type { ReceivedRequest } from './receiver.ts'
import type { Stage } from './stage.ts'
import type { Trail } from './trail.ts'

const CALLERS = { paying: '+12125550100', silent: '+12125550199' } as const
const UUID_HEADER = 'X-PH-RetreaverUUID'
const KEY_HEADER = 'X-PH-RetreaverKey'
const KEY_SHOWN = 8
/** The timeout is decided by the database's clock and looked for ten times a second. */
const TIMEOUT_DEADLINE_MS = POSTBACK_TIMEOUT_SECONDS * 1_000 + 2_000

interface Scene {
  readonly stage: Stage
  readonly trail: Trail
}

/** What the buyer has learnt from the INVITE. */
interface Told {
  readonly callUuid: string
  readonly callKey: string
}

/**
 * Tells the whole story: a call that the buyer pays for and one that nobody posts back.
 * @throws MissingStep at the first step that is not seen
 */
export async function tellStory(stage: Stage, trail: Trail): Promise<void> {
  const { api, phones, receiver } = stage
  const document = demoConfiguration({
    buyerEndpoint: phones.buyerEndpoint,
    receiverUrl: receiver.url,
  })
  await trail.step(
    'the configuration is applied',
    () => api.configure(document),
    () => '1 publisher, 1 buyer, 1 campaign, 3 tracking URLs',
  )
  const scene = { stage, trail }
  trail.chapter('A call that the buyer pays for')
  await payFor(scene, await callBuyer(scene, CALLERS.paying))
  trail.chapter('A call that nobody posts back')
  await timeOut(scene, await callBuyer(scene, CALLERS.silent))
}

/** From the INVITE to the hang-up. */
async function callBuyer(scene: Scene, caller: string): Promise<Told> {
  const { stage, trail } = scene
  const connected = stage.phones.dial(`sip:${TRACKING_NUMBER}@${stage.sip}`, caller)
  connected.catch(() => {}) // looked at in its own step
  const incoming = await trail.step(
    "the buyer's phone rings",
    () => stage.phones.incoming.take(() => true),
    (call) => [`${caller} has dialled ${TRACKING_NUMBER}; in the INVITE:`, ...showHeaders(call)],
  )
  const told = readTold(incoming)
  const atCaller = await trail.step(
    'the buyer answers',
    () => connected,
    () => 'the caller is connected',
  )
  await trail.step('the buyer is pinged', () => fired(scene, 'HEAD', '/buyer/ping', told), show)
  const atBuyer = await incoming.answered
  atCaller.hangUp({})
  await trail.step(
    'the caller hangs up',
    () => hungUpByPeer(atBuyer),
    () => 'the buyer has got the BYE',
  )
  await trail.step(
    'the decision waits for the buyer',
    (signal) => callThat(stage.api, told.callUuid, { fits: isWaiting, signal }),
    () => `pending for ${POSTBACK_TIMEOUT_SECONDS} s at most`,
  )
  return told
}

async function hungUpByPeer({ ended }: Dialog): Promise<void> {
  const { by } = await ended
  if (by !== 'peer') throw new Error('the call ended in another way')
}

/** What the buyer requests to post back 10.00; it opens the call. */
export function postbackUrl({ http }: Pick<Stage, 'http'>, { callUuid, callKey }: Told): string {
  return `${http}/calls/${callUuid}/set_value?key=${callKey}&revenue=10.00`
}

/** The buyer posts back 10.00, of which the publisher gets 0.8. */
async function payFor(scene: Scene, told: Told): Promise<void> {
  const { stage, trail } = scene
  const url = postbackUrl(stage, told)
  await trail.step(
    'the buyer posts back',
    () => postBack(url),
    (answer) => [`GET ${mask(url, told)}`, answer],
  )
  await trail.step(
    'the call is settled',
    (signal) => callThat(stage.api, told.callUuid, { fits: isPaid, signal }),
    ({ revenue, payout }) => `converted: revenue ${revenue} *0.8 = payout ${payout} USD`,
  )
  const sale = () => fired(scene, 'GET', '/publisher/sale', told)
  await trail.step("the publisher's URL is fired", sale, show)
}

/** Nobody posts anything, so the timeout decides. */
async function timeOut(scene: Scene, told: Told): Promise<void> {
  const { stage, trail } = scene
  await trail.step(
    { name: 'the call is settled', deadlineMs: TIMEOUT_DEADLINE_MS },
    (signal) => callThat(stage.api, told.callUuid, { fits: isUnpaid, signal }),
    ({ reason }) => `not converted: ${reason}`,
  )
  const noSale = () => fired(scene, 'GET', '/publisher/no-sale', told)
  await trail.step("the publisher's URL is fired", noSale, show)
}

const isWaiting = ({ state, conversion }: ApiCall) => state === 'ended' && conversion === 'pending'

const isPaid = ({ conversion, revenue, payout }: ApiCall) =>
  conversion === 'converted' && revenue === '10.00' && payout === '8.00'

const isUnpaid = ({ conversion, revenue, payout }: ApiCall) =>
  conversion === 'not_converted' && revenue === null && payout === null

/** Reads what the INVITE says of a call; empty where it says nothing. */
export function readTold(call: IncomingCall): Told {
  return { callUuid: call.header(UUID_HEADER) ?? '', callKey: call.header(KEY_HEADER) ?? '' }
}

/** Waits for the tracking URL of this very call; the ping has to carry its key too. */
async function fired(
  { stage }: Scene,
  method: string,
  path: string,
  { callUuid, callKey }: Told,
): Promise<string> {
  const request = await stage.receiver.requests.take(
    ({ query, ...request }) =>
      request.method === method && request.path === path && query.get('id') === callUuid,
  )
  const key = request.query.get('key')
  if (key !== null && key !== callKey) throw new Error('it carries the key of another call')
  return `${method} ${mask(targetOf(request), { callUuid, callKey })}`
}

const targetOf = ({ path, query }: ReceivedRequest): string => `${path}?${query.toString()}`

const show = (text: string): string => text

function showHeaders(call: IncomingCall): readonly string[] {
  const { callUuid, callKey } = readTold(call)
  if (callUuid === '' || callKey === '') throw new Error('the INVITE lacks the headers')
  return [`${UUID_HEADER}: ${callUuid}`, `${KEY_HEADER}: ${mask(callKey, { callUuid, callKey })}`]
}

/** Keys open calls, so that only their beginning is shown. */
function mask(text: string, { callKey }: Told): string {
  return text.replaceAll(callKey, `${callKey.slice(0, KEY_SHOWN)}…`)
}

async function postBack(url: string): Promise<string> {
  const response = await fetch(url)
  const answer = await response.text()
  const { status } = JSON.parse(answer) as { readonly status: string }
  if (response.status === 200 && status === 'converted') return `answered 200: ${status}`
  throw new Error(`it was answered with ${response.status}: ${answer}`)
}
