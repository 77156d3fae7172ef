import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { holdPort } from '../../sip-scenarios/ports.ts'
import { makeDataDir, startInVain, startService } from '../support/service.ts'

const OPTIONS = { timeout: 120_000 }

describe(
  'a service that cannot start exits with 1 and says in one sentence what to do',
  OPTIONS,
  () => {
    it('when its HTTP port is taken', async () => {
      const port = await takePort()
      const { exitCode, said } = await startInVain({
        DATA_DIR: await makeDataDir(),
        HTTP_PORT: String(port),
      })
      expect(exitCode).toBe(1)
      expect(said).toMatch(new RegExp(`^.*\\b${port}\\b.*HTTP_PORT.*\\n$`))
    })

    it('when its SIP port is taken', async () => {
      const held = await holdPort('127.0.0.1')
      onTestFinished(() => held.release())
      const { exitCode, said } = await startInVain({
        DATA_DIR: await makeDataDir(),
        SIP_PORT: String(held.port),
      })
      expect(exitCode).toBe(1)
      expect(said).toMatch(new RegExp(`^.*\\b${held.port}\\b.*SIP_PORT.*\\n$`))
    })

    it('when the database cannot be reached', async () => {
      const port = await freePort()
      const { exitCode, said } = await startInVain({
        DATA_DIR: await makeDataDir(),
        DATABASE_URL: `postgresql://nobody:secret-of-the-database@127.0.0.1:${port}/nothing`,
      })
      expect(exitCode).toBe(1)
      expect(said).toMatch(/^.*DATABASE_URL.*\.\n$/)
      expect(said).not.toContain('secret-of-the-database')
    })

    it('when the drachtio-server cannot be reached', async () => {
      const port = await freePort()
      const { exitCode, said } = await startInVain({
        DATA_DIR: await makeDataDir(),
        DRACHTIO_HOST: '127.0.0.1',
        DRACHTIO_PORT: String(port),
        DRACHTIO_SECRET: 'secret-of-the-server',
      })
      expect(exitCode).toBe(1)
      expect(said).toMatch(new RegExp(`^.*127\\.0\\.0\\.1:${port}.*DRACHTIO_HOST.*\\.\\n$`))
      expect(said).not.toContain('secret-of-the-server')
    })

    it('when settings are wrong, naming all of them', async () => {
      const { exitCode, said } = await startInVain({ HTTP_PORT: 'eighty', ROLES: 'cook' })
      expect(exitCode).toBe(1)
      expect(said).toMatch(/HTTP_PORT[\s\S]*ROLES/)
    })
  },
)

it('shows people the URL that buyers see, and itself where it listens', OPTIONS, async () => {
  const service = await startService(await makeDataDir(), {
    PUBLIC_URL: 'https://calls.example/bridge',
  })
  expect(service.said()).toContain(' https://calls.example/bridge/calls/{uuid}/set_value?key={key}')
  expect(service.said()).toContain(` ${service.api}/api/v1`)
  const response = await fetch(
    `${service.api}/api/v1/wizard/buyer-urls?base_url=https://crm.example/`,
    { headers: { authorization: `Bearer ${service.apiKey}` } },
  )
  const { postback_url } = (await response.json()) as { postback_url: string }
  expect(postback_url).toMatch(/^https:\/\/calls\.example\/bridge\/calls\//)
})

/** A port that somebody listens on for as long as the test runs. */
async function takePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return portOf(server.address())
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server.address())
  server.close()
  await once(server, 'close')
  return port
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (typeof address !== 'object' || !address) throw new Error('not listening on a port')
  return address.port
}
