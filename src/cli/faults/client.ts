import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { v7 as uuidv7 } from 'uuid'
import { type CallKeys, createCallKeys } from '../../keys.ts'
import { type BuyerPlan, planBuyer } from './plan.ts'
import type { CallSeen, OutsideRecord } from './record.ts'

/** Carriers and buyers: makes calls and postbacks, and sends each until it is acknowledged. */
export interface ClientOptions {
  readonly seed: number
  readonly port: number
  readonly keySecret: string
  readonly campaignIds: readonly string[]
  readonly calls: number
  /** Calls that are being made at once. */
  readonly concurrency: number
  /** No call begins after it, on the monotonic clock. */
  readonly untilMs: number
  /** Resolves once the service is there, so that nobody knocks on a closed door all the time. */
  readonly whenUp: () => Promise<void>
  /** Gives up whatever is still tried. */
  readonly signal: AbortSignal
}

/** Longer than any statement may take: a try that is given up must not be stored after the next one. */
const TRY_MS_MAX = 10_000
const PAUSE_MS = 30

/** Makes the calls. Resolves when every buyer has done what it wanted, or the signal was given. */
export async function runClients(record: OutsideRecord, options: ClientOptions): Promise<void> {
  const agent = new Agent({ connections: options.concurrency * 2 })
  const keys = createCallKeys([{ version: 1, secret: options.keySecret }])
  const aborted = new Promise<void>((resolve) => {
    options.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const client = { ...options, agent, keys, aborted }
  const buyers: Promise<void>[] = []
  let made = 0
  async function caller(): Promise<void> {
    while (made < options.calls && performance.now() < options.untilMs && !options.signal.aborted) {
      made += 1
      const campaignId = options.campaignIds[made % options.campaignIds.length] ?? ''
      const callUuid = uuidv7()
      const seen: CallSeen = { isAcknowledged: false, amounts: [], wrongAnswers: [], isDone: false }
      record.calls.set(callUuid, seen)
      await makeCall(client, seen, `/faults/calls/${campaignId}/${callUuid}`)
      // Buyers take their time, and the next call does not wait for them.
      buyers.push(actAsBuyer(client, seen, { callUuid, made }))
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, caller))
  await Promise.all(buyers)
  await agent.destroy()
}

interface Client extends ClientOptions {
  readonly agent: Agent
  readonly keys: CallKeys
  /** Resolves when the signal is given. */
  readonly aborted: Promise<void>
}

async function makeCall(client: Client, seen: CallSeen, path: string): Promise<void> {
  const status = await sendUntilAnswered(client, { method: 'POST', path })
  if (status === 204) seen.isAcknowledged = true
  else if (status !== undefined) seen.wrongAnswers.push(`${status} to a call`)
}

async function actAsBuyer(
  client: Client,
  seen: CallSeen,
  { callUuid, made }: { readonly callUuid: string; readonly made: number },
): Promise<void> {
  if (!seen.isAcknowledged) return
  // By number and not by UUID, so that the seed decides.
  const plan = planBuyer(client.seed, `call ${made}`)
  if (plan.kind === 'posts') await post(client, seen, callUuid, plan)
  if (plan.kind === 'wrong_key') {
    const status = await postOnce(client, callUuid, client.keys.derive(uuidv7(), 1), '99.99')
    if (status !== 403 && status !== undefined) seen.wrongAnswers.push(`${status} to a wrong key`)
  }
  seen.isDone = !client.signal.aborted
}

async function post(
  client: Client,
  seen: CallSeen,
  callUuid: string,
  { amounts, copies, delayMs }: Extract<BuyerPlan, { kind: 'posts' }>,
): Promise<void> {
  await delay(delayMs, undefined, { signal: client.signal }).catch(() => {})
  const key = client.keys.derive(callUuid, 1)
  for (const amount of amounts) {
    const copied = Array.from({ length: copies }, () => postOnce(client, callUuid, key, amount))
    const statuses = await Promise.all(copied)
    if (statuses.includes(200)) seen.amounts.push(amount)
    const wrong = statuses.filter((status) => status !== 200 && status !== undefined)
    for (const status of wrong) seen.wrongAnswers.push(`${status} to a postback`)
  }
}

const postOnce = (client: Client, callUuid: string, key: string, amount: string) =>
  sendUntilAnswered(client, {
    method: 'GET',
    path: `/calls/${callUuid}/set_value?key=${key}&revenue=${amount}`,
  })

/** The first status that is an answer; 5xx and broken connections are none. Undefined if told to stop. */
async function sendUntilAnswered(
  { port, agent, signal, whenUp, aborted }: Client,
  { method, path }: { readonly method: 'GET' | 'POST'; readonly path: string },
): Promise<number | undefined> {
  while (!signal.aborted) {
    await Promise.race([whenUp(), aborted])
    try {
      const { statusCode, body } = await request(`http://127.0.0.1:${port}${path}`, {
        method,
        dispatcher: agent,
        signal: AbortSignal.timeout(TRY_MS_MAX),
      })
      await body.dump()
      if (statusCode < 500) return statusCode
    } catch {
      // Killed, or not there yet: that is what it is about.
    }
    await delay(PAUSE_MS, undefined, { signal }).catch(() => {})
  }
  return undefined
}
