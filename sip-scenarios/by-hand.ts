import { stringify } from 'yaml'
import { type Plan, withScenarios } from './plan.ts'
import type { BuyerPart, PostbackStep, Scenario } from './scenario.ts'

export interface HandSurroundings {
  /** Where SIPp will be. */
  readonly localIp: string
  /** Where the service takes calls. */
  readonly sip: { readonly host: string; readonly port: number }
}

const DIALLED = '8005551000'
const CALLER = '2125551000'
const FIRST_BUYER_PORT = 5071

/**
 * What a tester needs who plays a scenario with SIPp alone: the configuration to apply, one command for each
 * phone, to be started in this order in the folder of the scenarios, and what has to be in the record then.
 */
export function byHand(scenario: Scenario, surroundings: HandSurroundings): string {
  const { name, proves, differs, expected, postbacks = [] } = scenario
  return [
    `# ${name}: ${proves}`,
    ...(differs === undefined ? [] : [`# A drachtio-server differs: ${differs}`]),
    '',
    '# To be applied to a service of your own ("npm run apply -- FILE"): it replaces what is configured there.',
    configuration(scenario, surroundings).trimEnd(),
    '',
    '# In sip-scenarios, each in a terminal of its own, in this order:',
    ...commands(scenario, surroundings),
    '',
    ...postbackLines(postbacks),
    '# What has to be in the record then (GET /api/v1/calls, or the dashboard):',
    ...recordLines('the call', expected.call),
    ...(expected.later ? recordLines('later calls', expected.later.call) : []),
  ].join('\n')
}

/** Without tracking URLs, since nobody is there to receive them. */
function configuration(scenario: Scenario, surroundings: HandSurroundings): string {
  const port = (index: number) => ({ ...NOT_HELD, port: FIRST_BUYER_PORT + index })
  const plan: Plan = {
    scenario,
    campaignId: `scenario-${scenario.name}`,
    dialled: DIALLED,
    caller: CALLER,
    callerIp: callerIpOf(scenario, surroundings),
    callerPort: NOT_HELD,
    buyerPorts: (scenario.buyers ?? []).map((_, index) => port(index)),
  }
  const document = withScenarios({}, [plan], { ...surroundings, receiverUrl: 'http://127.0.0.1' })
  const campaigns = (document.campaigns ?? []).map((campaign) => ({
    ...campaign,
    tracking_urls: [],
  }))
  return stringify({ ...document, campaigns }, { aliasDuplicateObjects: false })
}

const NOT_HELD = { port: 0, received: () => 0, release: async () => {} }

const callerIpOf = ({ from }: Scenario, { localIp }: HandSurroundings): string =>
  from === undefined ? localIp : '127.0.1.1'

function commands(scenario: Scenario, surroundings: HandSurroundings): readonly string[] {
  const { caller, buyers = [], calls = 1, injected, countsCopies, isNumberUnknown } = scenario
  const { sip } = surroundings
  const call = [
    `sipp -sf caller/${caller}.xml -i ${callerIpOf(scenario, surroundings)} -m ${calls} -l 1`,
    `-s ${isNumberUnknown ? '8005550000' : DIALLED} -key caller ${CALLER}`,
    ...(injected === undefined ? [] : [`-inf data/${injected}`]),
    ...(countsCopies ? ['-nr'] : []),
    `${sip.host}:${sip.port}`,
  ]
  const answering = buyers.map((part, index) => buyerCommand(scenario, part, index, surroundings))
  return [...answering, call.join(' ')]
}

function buyerCommand(
  { calls = 1, buyerCalls = [], refusal, countsCopies, postbacks }: Scenario,
  part: BuyerPart,
  index: number,
  { localIp }: HandSurroundings,
): string {
  const port = FIRST_BUYER_PORT + index
  if (!part.startsWith('uas-')) return `# buyer ${index + 1} at port ${port}: ${part}`
  return [
    `sipp -sf buyer/${part}.xml -i ${localIp} -p ${port} -m ${buyerCalls[index] ?? calls}`,
    ...(refusal === undefined ? [] : [`-key status "SIP/2.0 ${refusal}"`]),
    ...(countsCopies ? ['-nr'] : []),
    ...(postbacks ? ['-trace_msg'] : []),
  ].join(' ')
}

function postbackLines(steps: readonly PostbackStep[]): readonly string[] {
  if (steps.length === 0) return []
  return [
    "# UUID and key of a postback stand in the buyer's INVITE, which -trace_msg writes to uas-…_messages.log.",
    ...steps.map(({ when, query, answer, key = '{key}' }) => {
      return `# call ${when}: /calls/{uuid}/set_value?key=${key}&${query} -> ${answer}`
    }),
  ]
}

function recordLines(what: string, call: object | undefined): readonly string[] {
  if (!call) return [`# ${what}: none`]
  const facts = Object.entries(call).map(([name, value]) => `${name} ${String(value)}`)
  return [`# ${what}: ${facts.join('; ')}`]
}
