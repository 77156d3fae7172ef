import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { SeenInvite } from './judge.ts'
import type { Plan } from './plan.ts'
import { type Sipp, startSipp } from './sipp.ts'

/** Where a scenario's phones are and whom they call. */
export interface PhoneStage {
  readonly plan: Plan
  readonly localIp: string
  readonly sip: { readonly host: string; readonly port: number }
  readonly folder: string
}

/** The SIPp processes of a scenario, in the order of its buyers; the caller comes last. */
export type Phones = readonly Sipp[]

/** No campaign of the scenarios has it. */
const UNKNOWN_NUMBER = '8005550000'
/** For the buyers' phones to notice that their caller is done. */
const AFTER_CALLER_MS_MAX = 10_000
/** The same where the caller has failed: the buyers will hardly get what they wait for. */
const AFTER_FAILURE_MS_MAX = 1_000

/** Starts the scenario's buyers, and its caller when they are ready. */
export async function startPhones(stage: PhoneStage): Promise<Phones> {
  const phones: Sipp[] = []
  try {
    await startBuyers(stage, phones)
    phones.push(await startCaller(stage))
    return phones
  } catch (error) {
    await stopPhones(phones)
    throw error
  }
}

/** Ends what is still running. */
export async function stopPhones(phones: Phones): Promise<void> {
  for (const phone of phones) phone.stop()
  await Promise.all(phones.map(({ over }) => over))
}

async function startBuyers(stage: PhoneStage, phones: Sipp[]): Promise<void> {
  const { plan, folder, localIp } = stage
  const { buyers = [], calls = 1, buyerCalls = [], countsCopies = false, refusal } = plan.scenario
  for (const [index, part] of buyers.entries()) {
    const held = plan.buyerPorts[index]
    if (part === 'nobody') await held?.release()
    if (!part.startsWith('uas-') || !held) continue
    await held.release()
    const role = `buyer-${index + 1}`
    const phone = {
      file: scriptFile('buyer', part),
      localIp,
      port: held.port,
      calls: buyerCalls[index] ?? calls,
      keys: { status: refusal && `SIP/2.0 ${refusal}` },
      countsCopies,
    }
    phones.push(await startSipp(role, { ...phone, folder: join(folder, role) }))
  }
}

async function startCaller({ plan, folder, sip }: PhoneStage): Promise<Sipp> {
  const { scenario, dialled, caller, callerIp, callerPort } = plan
  const { calls = 1, countsCopies = false, injected, isNumberUnknown = false } = scenario
  await callerPort.release()
  return startSipp('caller', {
    file: scriptFile('caller', scenario.caller),
    localIp: callerIp,
    port: callerPort.port,
    target: sip,
    dialled: isNumberUnknown ? UNKNOWN_NUMBER : dialled,
    keys: { caller },
    calls,
    countsCopies,
    injected: injected && pathOf(`data/${injected}`),
    folder: join(folder, 'caller'),
  })
}

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const scriptFile = (folder: 'caller' | 'buyer', name: string) => pathOf(`${folder}/${name}.xml`)

/** Waits for the caller, then for the buyers; says what did not go as written. */
export async function untilPhonesAreOver(phones: Phones): Promise<readonly string[]> {
  const isCallerGood = (await phones.at(-1)?.over) === undefined
  const limitMs = isCallerGood ? AFTER_CALLER_MS_MAX : AFTER_FAILURE_MS_MAX
  const outcomes = phones.map(async ({ role, over }) => {
    const late = delay(limitMs, 'that it still waits', { ref: false })
    const failure = await Promise.race([over, late])
    return failure === undefined ? [] : [`${role}: expected every message in turn, seen ${failure}`]
  })
  return (await Promise.all(outcomes)).flat()
}

/** Nothing may reach a buyer that is not to be called; something has to reach a silent one. */
export function ringFailures({ scenario, buyerPorts }: Plan): readonly string[] {
  return (scenario.buyers ?? []).flatMap((part, index) => {
    const received = buyerPorts[index]?.received() ?? 0
    if (part === 'not-called' && received > 0) {
      return [`buyer-${index + 1}: expected no message, seen ${received}`]
    }
    const isUnreached = part === 'silent' && received === 0
    return isUnreached ? [`buyer-${index + 1}: expected an INVITE, seen nothing`] : []
  })
}

/** What the buyers' scenarios wrote down of each INVITE: `call UUID KEY`. */
export async function readInvites(phones: Phones): Promise<readonly SeenInvite[]> {
  const lines = phones.map(async (phone) => {
    const buyer = Number(phone.role.replace('buyer-', ''))
    return (await phone.log()).flatMap((line) => {
      const [, callUuid, callKey] = /\bcall +([0-9a-f-]+) +([0-9A-Za-z]+)/.exec(line) ?? []
      return callUuid !== undefined && callKey !== undefined ? [{ buyer, callUuid, callKey }] : []
    })
  })
  return (await Promise.all(lines)).flat()
}
