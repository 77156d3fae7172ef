import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { onTestFinished } from 'vitest'
import { createAuthority, type Identity } from './certificates.ts'

/** The files of a TLS listener on 127.0.0.1, and what a client needs to try it. */
export interface TlsRig {
  readonly certificateFile: string
  readonly keyFile: string
  readonly authoritiesFile: string
  /** What a phone on 127.0.0.1 shows, and whom it trusts. */
  readonly phone: { readonly cert: string; readonly key: string; readonly ca: string }
  /** Writes a new certificate with its key, valid for a day unless said. */
  readonly renew: (expiresAt?: Date) => void
  /** Leaves the certificate and writes a key that is not its own. */
  readonly spoil: () => void
  /** Connects to a port and gives the fingerprint of what is shown there. */
  readonly fingerprint: (port: number) => Promise<string>
}

/** Makes the files in a folder of their own, removed with the test. */
export function createTlsRig(): TlsRig {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-tls-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const files = {
    certificateFile: join(folder, 'certificate.pem'),
    keyFile: join(folder, 'key.pem'),
    authoritiesFile: join(folder, 'authorities.pem'),
  }
  const authority = createAuthority('Test Authority')
  const write = ({ certificate, key }: Identity): void => {
    writeFileSync(files.certificateFile, certificate)
    writeFileSync(files.keyFile, key)
  }
  const renew = (expiresAt?: Date): void => {
    write(authority.issue({ hosts: ['127.0.0.1'], ...(expiresAt && { expiresAt }) }))
  }
  renew()
  writeFileSync(files.authoritiesFile, authority.certificate)
  const { certificate: cert, key } = authority.issue({ hosts: ['127.0.0.1'] })
  return {
    ...files,
    phone: { cert, key, ca: authority.certificate },
    renew,
    spoil: () => {
      writeFileSync(files.keyFile, authority.key)
    },
    fingerprint: async (port) => {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.certificate })
      await once(socket, 'secureConnect')
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    },
  }
}

/** A TCP port of loopback that nobody has at the moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
