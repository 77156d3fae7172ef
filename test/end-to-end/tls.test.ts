import { expect, it } from 'vitest'
import { makeDataDir, startService } from '../support/service.ts'
import { createTlsRig, findFreePort } from '../support/tls-files.ts'
import { waitFor } from '../support/wait.ts'

it(
  'the service shows a renewed certificate after SIGHUP and goes on',
  { timeout: 120_000 },
  async () => {
    const rig = createTlsRig()
    const port = await findFreePort()
    const service = await startService(await makeDataDir(), {
      SIP_TRANSPORTS: 'udp,tls',
      SIP_TLS_PORT: String(port),
      SIP_TLS_CERT: rig.certificateFile,
      SIP_TLS_KEY: rig.keyFile,
    })
    const before = await rig.fingerprint(port)
    rig.renew()
    service.signal('SIGHUP')
    const isRenewed = async (): Promise<boolean> => (await rig.fingerprint(port)) !== before
    await waitFor(isRenewed, { what: 'the new certificate', deadlineMs: 10_000 })
    service.signal('SIGTERM')
    expect(await service.exited).toBe(0)
  },
)
