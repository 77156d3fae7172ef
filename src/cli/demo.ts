import type { Command } from 'commander'
import { TRACKING_NUMBER } from './demo/configuration.ts'
import { setStage, type Stage } from './demo/stage.ts'
import { postbackUrl, readTold, tellStory } from './demo/story.ts'
import { createTrail, MissingStep, type Trail } from './demo/trail.ts'

/** The first start of an embedded database writes a whole cluster. */
const START_DEADLINE_MS = 30_000
const INTERRUPTED = 130

/** `bridgeback demo`: the whole story in one process, seen step by step. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('show the whole story in one process: two calls, a postback, and who is told')
    .option('--keep', 'leave it running afterwards and say how to reach it')
    .action(({ keep = false }: { keep?: boolean }) => runDemo(keep))
}

/** Exit code 0 only if every step was seen. Whatever happens, nothing is left behind. */
async function runDemo(isKept: boolean): Promise<void> {
  const trail = createTrail(process.stdout)
  const setting = setStage()
  const stopped = nextSignal()
  try {
    const end = await Promise.race([play(trail, setting), stopped])
    if (end === 'stopped') process.exitCode = INTERRUPTED
    else if (isKept) {
      const stage = await setting
      process.stdout.write(`\n${howToReach(stage)}\n`)
      await Promise.race([stopped, sayHowToPostBack(stage)])
    }
  } catch (error) {
    if (!(error instanceof MissingStep)) throw error
    process.stderr.write(`\nThe demo has failed: ${error.message}.\n`)
    process.exitCode = 1
  } finally {
    await setting.then(
      (stage) => stage.close(),
      () => {},
    )
  }
}

async function play(trail: Trail, setting: Promise<Stage>): Promise<'seen'> {
  const stage = await trail.step(
    { name: 'the bridge is started', deadlineMs: START_DEADLINE_MS },
    () => setting,
    ({ http, sip }) => `${http}, SIP on udp/${sip}`,
  )
  await tellStory(stage, trail)
  const seconds = (trail.elapsedMs() / 1000).toFixed(2)
  process.stdout.write(`\nAll ${trail.seenCount()} steps were seen in ${seconds} s.\n`)
  return 'seen'
}

function nextSignal(): Promise<'stopped'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => resolve('stopped'))
    }
  })
}

/** Of every call that somebody dials: its key is told to the buyer alone, which is this process. */
async function sayHowToPostBack(stage: Stage): Promise<never> {
  for (;;) {
    const call = await stage.phones.incoming.take(() => true)
    const url = postbackUrl(stage, readTold(call))
    process.stdout.write(
      `\nThe buyer has a call. To post back what it was worth:\n  curl '${url}'\n`,
    )
  }
}

function howToReach({ http, sip, adminApiKey, phones }: Stage): string {
  return [
    'It goes on running until you press Ctrl-C:',
    `  dashboard  ${http}/`,
    `  API        ${http}/api/v1`,
    `  API key    ${adminApiKey}`,
    `  postbacks  ${http}/calls/{uuid}/set_value?key={key}&revenue=10.00; shown here for every call`,
    `  SIP        udp/${sip}, from this machine only`,
    `  dial       sip:${TRACKING_NUMBER}@${sip}`,
    `  buyer      ${phones.buyerEndpoint} answers every call`,
  ].join('\n')
}
