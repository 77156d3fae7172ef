import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPhones } from '../../src/cli/demo/phones.ts'
import { waitFor } from '../support/wait.ts'
import { startCommand } from './support/command.ts'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}'
const STEPS = [
  /✓ the bridge is started {2,}http:\/\/127\.0\.0\.1:\d+, SIP on udp\/127\.0\.0\.1:\d+$/,
  /✓ the configuration is applied /,
  /✓ the buyer's phone rings +\+12125550100 has dialled \+18005550100; in the INVITE:$/,
  new RegExp(`^ +X-PH-RetreaverUUID: ${UUID}$`),
  /^ +X-PH-RetreaverKey: \w{8}…$/,
  /✓ the buyer answers /,
  new RegExp(
    `✓ the buyer is pinged +HEAD /buyer/ping\\?id=${UUID}&key=\\w{8}…&from=%2B12125550100$`,
  ),
  /✓ the caller hangs up /,
  /✓ the decision waits for the buyer +pending for 1 s at most$/,
  new RegExp(
    `✓ the buyer posts back +GET http://127\\.0\\.0\\.1:\\d+/calls/${UUID}/set_value\\?key=\\w{8}…&revenue=10\\.00$`,
  ),
  /^ +answered 200: converted$/,
  /✓ the call is settled +converted: revenue 10\.00 \*0\.8 = payout 8\.00 USD$/,
  new RegExp(
    `✓ the publisher's URL is fired +GET /publisher/sale\\?id=${UUID}&sub=spring-tv&payout=8\\.00$`,
  ),
  /✓ the buyer's phone rings +\+12125550199 has dialled \+18005550100; in the INVITE:$/,
  new RegExp(`^ +X-PH-RetreaverUUID: ${UUID}$`),
  /^ +X-PH-RetreaverKey: \w{8}…$/,
  /✓ the buyer answers /,
  /✓ the buyer is pinged +HEAD /,
  /✓ the caller hangs up /,
  /✓ the decision waits for the buyer /,
  /✓ the call is settled +not converted: no_postback$/,
  new RegExp(`✓ the publisher's URL is fired +GET /publisher/no-sale\\?id=${UUID}&sub=spring-tv$`),
]

describe('bridgeback demo', () => {
  it('shows both calls step by step, in order, and leaves nothing behind', async () => {
    const TMPDIR = await temporaryFolder()
    const demo = startCommand(['demo'], { TMPDIR })
    expect(await demo.exited, demo.output() + demo.errors()).toBe(0)
    const lines = demo.output().split('\n')
    const shown = lines.filter((line) => / [✓✗] |^ {20}/.test(line))
    expect(shown).toEqual(STEPS.map((step) => expect.stringMatching(step) as string))
    expect(lines.at(-2)).toMatch(/^All 17 steps were seen in \d+\.\d\d s\.$/)
    expect(demo.errors()).toBe('')
    expect(demo.output()).not.toContain('\u001B') // colours are for terminals
    expect(await readdir(TMPDIR)).toEqual([])
    const readme = await readFile('README.md', 'utf8')
    expect(withoutChance(readme)).toContain(withoutChance(demo.output()))
  })

  it('stays up with --keep and can be used with what it prints', async () => {
    const TMPDIR = await temporaryFolder()
    const demo = startCommand(['demo', '--keep'], { TMPDIR })
    const [, api = '', key = ''] = await waitFor(
      () => /API {2,}(\S+)\n +API key +(\S+)\n/.exec(demo.output()) ?? undefined,
      { what: `the addresses, seen: ${demo.errors()}`, deadlineMs: 25_000 },
    )
    const response = await fetch(`${api}/calls`, { headers: { authorization: `Bearer ${key}` } })
    const calls = (await response.json()) as readonly { readonly conversion: string }[]
    expect(calls.map(({ conversion }) => conversion)).toEqual(['not_converted', 'converted'])
    const [, tracking = ''] =
      /dial +(sip:\+18005550100@127\.0\.0\.1:\d+)\n/.exec(demo.output()) ?? []
    const phones = await startPhones()
    onTestFinished(() => phones.close())
    const connected = await phones.dial(tracking, '+12125550123')
    const [, url = ''] = await waitFor(() => /curl '(.+)'\n/.exec(demo.output()) ?? undefined, {
      what: 'how to post back',
      deadlineMs: 5_000,
    })
    connected.hangUp({})
    expect((await fetch(url)).status).toBe(200)
    demo.stop('SIGINT')
    expect(await demo.exited).toBe(0)
    expect(await readdir(TMPDIR)).toEqual([])
  })

  it('says that it was interrupted, and still leaves nothing behind', async () => {
    const TMPDIR = await temporaryFolder()
    const demo = startCommand(['demo'], { TMPDIR })
    await waitFor(() => demo.output().includes('✓'), { what: 'a step', deadlineMs: 20_000 })
    demo.stop('SIGTERM')
    expect(await demo.exited).toBe(130)
    expect(await readdir(TMPDIR)).toEqual([])
  })
})

/** The same with everything that differs from run to run replaced by its name. */
function withoutChance(output: string): string {
  return output
    .replaceAll(new RegExp(UUID, 'g'), 'UUID')
    .replaceAll(/ *\d+\.\d\d s/g, ' SECONDS')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replaceAll(/\w{8}…/g, 'KEY…')
}

/** Where the demo keeps its files, so that a test sees whether they are gone. */
async function temporaryFolder(): Promise<string> {
  // The embedded database may run as another user, who has to get in.
  const folder = await mkdtemp(join(tmpdir(), 'bridgeback-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
