import { expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../sip-scenarios/api.ts'
import { caller } from '../sip/engine/support/caller.ts'
import { openTcpPhone, type Phone, SDP } from '../sip/engine/support/phone.ts'
import { makeDataDir, startService } from '../support/service.ts'
import { createTlsRig, findFreePort, type TlsRig } from '../support/tls-files.ts'
import { waitFor } from '../support/wait.ts'

const NUMBER = '+18005550100'

/** Opens a phone that speaks TLS and is closed with the test. */
async function aPhone(enginePort: number, rig: TlsRig): Promise<Phone> {
  const phone = await openTcpPhone(enginePort, '127.0.0.1', rig.phone)
  onTestFinished(phone.close)
  return phone
}

const configuration = (endpoint: string): object => ({
  publishers: [{ id: 'publisher', name: 'Publisher' }],
  buyers: [{ id: 'buyer', name: 'Buyer', endpoint, ping_seconds: 0 }],
  campaigns: [
    {
      id: 'campaign',
      name: 'Campaign',
      numbers: [{ number: NUMBER, publisher: 'publisher' }],
      routes: [{ buyer: 'buyer' }],
    },
  ],
})

const overTls = (text: string): string => text.replace('SIP/2.0/UDP', 'SIP/2.0/TLS')

it(
  'a call goes over TLS on both sides, and SIGHUP renews the certificate while it is up',
  { timeout: 120_000 },
  async () => {
    const rig = createTlsRig()
    const port = await findFreePort()
    const service = await startService(await makeDataDir(), {
      SIP_TRANSPORTS: 'udp,tls',
      SIP_TLS_PORT: String(port),
      SIP_TLS_CERT: rig.certificateFile,
      SIP_TLS_KEY: rig.keyFile,
      SIP_TLS_CA: rig.authoritiesFile,
    })
    const [alice, bob] = [await aPhone(port, rig), await aPhone(port, rig)]
    const contact = `sips:bob@127.0.0.1:${bob.port}`
    await createApi(service.api, service.apiKey).configure(configuration(contact))

    const call = caller(alice, port)
    alice.sendRaw(overTls(call.invite({ uri: `sip:${NUMBER}@127.0.0.1:${port}` })))
    const invite = await bob.expect('INVITE')
    expect(invite.via.transport).toBe('tls')
    bob.answer(invite, 200, { body: SDP, contact: `<${contact}>` })
    await bob.expect('ACK')
    const ok = await alice.expect('200 INVITE')
    alice.sendRaw(overTls(call.ack(ok)))

    const before = await rig.fingerprint(port)
    rig.renew()
    service.signal('SIGHUP')
    const isRenewed = async (): Promise<boolean> => (await rig.fingerprint(port)) !== before
    await waitFor(isRenewed, { what: 'the new certificate', deadlineMs: 10_000 })

    alice.sendRaw(overTls(call.inDialog(ok, 'BYE', 2)))
    bob.answer(await bob.expect('BYE'), 200)
    await alice.expect('200 BYE')
    service.signal('SIGTERM')
    expect(await service.exited).toBe(0)
  },
)
