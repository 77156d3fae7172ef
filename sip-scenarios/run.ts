import { setTimeout as delay } from 'node:timers/promises'
import type { Api, ApiCall, PostbackAnswer } from './api.ts'
import { compact, judge, type SeenCall } from './judge.ts'
import {
  type Phones,
  type PhoneStage,
  readInvites,
  ringFailures,
  startPhones,
  stopPhones,
  untilPhonesAreOver,
} from './phones.ts'
import type { Receiver } from './receiver.ts'
import type { PostbackStep } from './scenario.ts'

/** What came of a scenario. */
export interface ScenarioResult {
  readonly name: string
  readonly seconds: number
  /** What was expected and what was seen, a sentence each; empty if it has passed. */
  readonly failures: readonly string[]
  /** Where the message logs are. */
  readonly folder: string
}

/** One scenario with everything it runs on. */
export interface Stage extends PhoneStage {
  readonly api: Api
  readonly receiver: Receiver
}

/** For what follows a call within the service. */
const FOLLOW_UP_MS_MAX = 10_000
const POLL_MS = 25

/** Makes the scenario's calls and holds what all sides saw against what was expected. */
export async function runScenario(stage: Stage): Promise<ScenarioResult> {
  const startedAtMs = performance.now()
  const failures = await play(stage).catch((error: unknown) => [String(error)])
  const seconds = (performance.now() - startedAtMs) / 1000
  return { name: stage.plan.scenario.name, seconds, failures, folder: stage.folder }
}

async function play(stage: Stage): Promise<readonly string[]> {
  const phones = await startPhones(stage)
  try {
    const answers = postAll(stage, phones)
    const failures = await untilPhonesAreOver(phones)
    return [...failures, ...(await judgeStage(stage, phones, await answers))]
  } finally {
    await stopPhones(phones)
  }
}

/** Waits until nothing more follows from the calls, and holds them against what was expected. */
export async function judgeStage(
  stage: Stage,
  phones: Phones,
  answers: readonly PostbackAnswer[],
): Promise<readonly string[]> {
  const { plan, receiver } = stage
  const calls = await readCalls(stage)
  const invites = await readInvites(phones)
  const requests = receiver.requests(plan.scenario.name)
  return [...ringFailures(plan), ...judge({ plan, calls, invites, requests, answers })]
}

/** The scenario's calls once nothing more follows from them, or as they are when time is up. */
async function readCalls(stage: Stage): Promise<readonly SeenCall[]> {
  const { scenario } = stage.plan
  const count = scenario.expected.call ? (scenario.calls ?? 1) : 0
  const read = async () => Promise.all((await findCalls(stage)).map((call) => look(stage, call)))
  const quiet = await poll(async () => {
    const calls = await read()
    return calls.length >= count && calls.every(isQuiet) ? calls : undefined
  })
  return quiet ?? read()
}

async function look({ api }: Stage, call: ApiCall): Promise<SeenCall> {
  const [settlements, deliveries] = await Promise.all([
    api.settlements(call.uuid),
    api.deliveries(call.uuid),
  ])
  return { call, settlements, deliveries }
}

function isQuiet({ call, deliveries }: SeenCall): boolean {
  const isSettled = call.conversion === 'converted' || call.conversion === 'not_converted'
  return isSettled && deliveries.every(({ state }) => state !== 'queued')
}

/** The scenario's calls; those of earlier runs went to trackers elsewhere. */
export async function findCalls({
  plan,
  api,
}: Pick<Stage, 'plan' | 'api'>): Promise<readonly ApiCall[]> {
  return api.calls({ campaign: plan.campaignId, limit: '200' })
}

/** Sends the scenario's postbacks one after the other, with what the buyer read in its INVITE. */
async function postAll(stage: Stage, phones: Phones): Promise<readonly PostbackAnswer[]> {
  const answers: PostbackAnswer[] = []
  for (const step of stage.plan.scenario.postbacks ?? []) {
    if (step.when !== 'bridged') await phones.at(-1)?.over
    const call = await poll(async () => (await findCalls(stage)).find((call) => isTime(step, call)))
    const invites = await readInvites(phones)
    const invite = invites.find(({ callUuid }) => call && compact(callUuid) === compact(call.uuid))
    if (!call || !invite) break
    const key = step.key === 'wrong' ? `${invite.callKey}x` : invite.callKey
    answers.push(await stage.api.post(invite.callUuid, key, step.query))
  }
  return answers
}

function isTime({ when }: PostbackStep, { state, conversion }: ApiCall): boolean {
  if (when === 'settled') return conversion === 'converted' || conversion === 'not_converted'
  return when === state
}

/** Asks again and again until there is an answer; undefined when time is up. */
async function poll<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = performance.now() + FOLLOW_UP_MS_MAX
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || performance.now() > deadline) return answer
    await delay(POLL_MS)
  }
}
