import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../sip-scenarios/api.ts'
import { startOwnService } from '../../sip-scenarios/service.ts'
import { SCENARIOS } from '../../sip-scenarios/scenarios.ts'
import { startCommand } from './support/command.ts'

const OPTIONS = { timeout: 60_000 }

describe('bridgeback scenarios', OPTIONS, () => {
  it('says what each scenario proves', async () => {
    const command = startCommand(['scenarios', '--list'])
    expect(await command.exited).toBe(0)
    const names = command.output().trimEnd().split('\n')
    expect(names.map((line) => line.split(' ')[0])).toEqual(SCENARIOS.map(({ name }) => name))
  })

  it('shows what passed and leaves the configuration as it was', async () => {
    const service = await startOwnService({ localIp: '127.0.0.1', env: {} })
    onTestFinished(() => service.close())
    const api = createApi(service.api, service.apiKey)
    await api.configure({ publishers: [{ id: 'acme-media', name: 'Acme Media' }] })
    const before = await api.configuration()

    const command = startCommand(['scenarios', 'no-buyer', ...targetOptions(service)])
    expect(await command.exited).toBe(0)
    expect(command.output()).toMatch(
      /^passed {2}no-buyer {2} *\d+\.\d s .+\n\n1 passed, 0 failed\n$/,
    )
    expect(await api.configuration()).toEqual(before)
  })

  it('shows what was expected, what was seen and where the messages are', async () => {
    const service = await startOwnService({ localIp: '127.0.0.1', env: {} })
    onTestFinished(() => service.close())
    const port = await startBrokenPhone()

    const target = { ...service, sip: { host: '127.0.0.1', port } }
    const command = startCommand(['scenarios', 'options', ...targetOptions(target)])
    expect(await command.exited).toBe(1)
    const [, logs = ''] = /\n +logs: (.+)\n/.exec(command.output()) ?? []
    expect(logs).toMatch(/\/options$/)
    await rm(dirname(logs), { recursive: true })
    expect(command.output()).toMatch(
      /^FAILED {2}options .+\n +caller: expected .+ seen .+'SIP\/2\.0 500/,
    )
    expect(command.output()).toMatch(/\n0 passed, 1 failed\n$/)
  })

  it('says in one sentence what the service has against the configuration', async () => {
    const service = await startOwnService({ localIp: '127.0.0.2', env: {} })
    onTestFinished(() => service.close())
    const command = startCommand(['scenarios', 'complete', ...targetOptions(service)])
    expect(await command.exited).toBe(1)
    expect(command.errors()).toMatch(
      /^The service at http:\S+ refuses the configuration: campaigns\[0\]\.tracking_urls\[0\]\.url may not be .+ add its network to ALLOW_PRIVATE_TARGETS \(and \d+ more\)\.\n$/,
    )
  })

  it.each([
    { args: ['nonsense'], said: /^There is no scenario called nonsense: .+\.\n$/ },
    {
      args: ['--target', '127.0.0.1:5060'],
      said: /^--target needs --api and --api-key too: .+\.\n$/,
    },
  ])('says in one sentence what is wrong with $args', async ({ args, said }) => {
    const command = startCommand(['scenarios', ...args])
    expect(await command.exited).toBe(1)
    expect(command.errors()).toMatch(said)
  })
})

function targetOptions(target: Awaited<ReturnType<typeof startOwnService>>): readonly string[] {
  const { sip, api, apiKey } = target
  return ['--target', `${sip.host}:${sip.port}`, '--api', api, '--api-key', apiKey]
}

/** Something that speaks SIP and can do nothing. */
async function startBrokenPhone(): Promise<number> {
  const socket = createSocket('udp4')
  socket.on('message', (request, { port }) => {
    const [, ...headers] = request.toString().split('\r\n')
    const kept = headers.filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line))
    const answer = ['SIP/2.0 500 Broken', ...kept, 'Content-Length: 0', '', '']
    socket.send(answer.join('\r\n'), port, '127.0.0.1')
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return socket.address().port
}
