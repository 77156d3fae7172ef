import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EngineOptions, startEngine } from '../../src/sip/engine/engine.ts'
import { createAuthority } from '../support/certificates.ts'
import type { EngineSubject } from './engine-subjects.ts'

const HOSTS = ['127.0.0.1', '::1']

/** Starts an engine for UDP, TCP and TLS on IPv4 and IPv6 of loopback. */
export async function startWideEngine(
  timers: EngineOptions['timers'] & { readonly t1Ms: number; readonly secondMs: number },
  onFault: (error: unknown) => void = () => undefined,
): Promise<EngineSubject> {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-conformance-'))
  const authority = createAuthority('Conformance')
  const identity = authority.issue({ hosts: HOSTS })
  const write = (name: string, text: string): string => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  const sip = HOSTS.flatMap((host) =>
    (['udp', 'tcp', 'tls'] as const).map((transport) => ({ transport, host, port: 0 })),
  )
  const tls = {
    certificateFile: write('certificate.pem', identity.certificate),
    keyFile: write('key.pem', identity.key),
    authoritiesFile: write('authorities.pem', authority.certificate),
  }
  const admin = { host: '127.0.0.1', port: 0 }
  const engine = await startEngine({ sip, admin, tls, timers, secret: 'secret' }, onFault)
  rmSync(folder, { recursive: true })
  const [first] = engine.sip
  return {
    engine,
    subject: {
      kind: 'engine',
      admin: engine.admin,
      secret: 'secret',
      sip: first ?? { host: '', port: 0 },
      places: engine.sip,
      authorities: authority.certificate,
      phoneIdentity: identity,
      timeoutMs: 64 * timers.t1Ms,
      secondMs: timers.secondMs,
    },
  }
}
