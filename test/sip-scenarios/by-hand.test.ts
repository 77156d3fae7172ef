import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { byHand } from '../../sip-scenarios/by-hand.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { parseConfigurationDocument } from '../../src/domain/configuration-document.ts'

const SURROUNDINGS = { localIp: '10.0.0.9', sip: { host: '10.0.0.5', port: 5060 } }

it('says how a scenario is played with SIPp alone', () => {
  const scenario = SCENARIOS.find(({ name }) => name === 'overloaded-buyer-spared')
  const lines = scenario ? byHand(scenario, SURROUNDINGS).split('\n') : []
  expect(lines.filter((line) => line.startsWith('sipp'))).toEqual([
    'sipp -sf buyer/uas-overloaded.xml -i 10.0.0.9 -p 5071 -m 1',
    'sipp -sf buyer/uas-answers.xml -i 10.0.0.9 -p 5072 -m 2',
    'sipp -sf caller/uac-hangs-up-expect-200.xml -i 10.0.0.9 -m 2 -l 1 -s 8005551000 -key caller 2125551000 10.0.0.5:5060',
  ])
})

it('says what is done with each part of it, and by which key a postback is sent', () => {
  const scenario = SCENARIOS.find(({ name }) => name === 'refused-postbacks')
  const lines = scenario ? byHand(scenario, SURROUNDINGS).split('\n') : []
  expect(lines).toContain('sipp -sf buyer/uas-answers.xml -i 10.0.0.9 -p 5071 -m 1 -trace_msg')
  expect(lines.filter((line) => line.startsWith('#')).slice(1, -1)).toEqual([
    '# To be applied to a service of your own ("npm run apply -- FILE"): it replaces what is configured there.',
    '# In sip-scenarios, each in a terminal of its own, in this order:',
    "# UUID and key of a postback stand in the buyer's INVITE, which -trace_msg writes to uas-…_messages.log.",
    '# call ended: /calls/{uuid}/set_value?key=wrong&revenue=10.00 -> 403 refused wrong_key',
    '# call ended: /calls/{uuid}/set_value?key={key}&revenue=10,00 -> 400 refused wrong_decimal_separator',
    '# call ended: /calls/{uuid}/set_value?key={key}&revenue=10.00 -> 200 converted posted_revenue',
    '# What has to be in the record then (GET /api/v1/calls, or the dashboard):',
  ])
})

const special = SCENARIOS.filter(({ configuration, from }) => configuration ?? from)

it.each(special)('gives a configuration that is taken as it stands: $name', (scenario) => {
  const text = byHand(scenario, SURROUNDINGS)
  const document: unknown = parse(text.replaceAll(/^sipp .*$/gm, ''))
  expect(parseConfigurationDocument(document)).toMatchObject({ kind: 'configuration' })
})
