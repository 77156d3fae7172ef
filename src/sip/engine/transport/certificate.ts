import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls'
import type { CertificateFacts, TlsFiles } from '../options.ts'

/** What both ends of a TLS connection are made with. */
export interface Credentials {
  /** For whoever connects to us. */
  readonly server: ServerCredentials
  /** For whoever we connect to: our certificate, should it be asked for, and whom we trust. */
  readonly client: SecureContext
  readonly certificate: CertificateFacts
}

interface ServerCredentials {
  readonly cert: string
  readonly key: string
  readonly minVersion: typeof OLDEST_VERSION
}

/** Older ones are broken. @see RFC 8996 */
const OLDEST_VERSION = 'TLSv1.2'

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Reads the certificate, its key and the authorities to trust besides the public ones.
 *
 * @throws an Error of one sentence if a file is missing or not what it should be, or the key is that of
 * another certificate; an expired certificate is no error
 */
export function readCredentials(files: TlsFiles): Credentials {
  const { authoritiesFile, certificateFile, keyFile } = files
  const cert = read('certificate', certificateFile)
  const key = read('key', keyFile)
  const [certificate] = parseCertificates('certificate', certificateFile, cert)
  if (!certificate?.checkPrivateKey(parseKey(keyFile, key)))
    throw new Error(
      `The TLS key ${keyFile} does not belong to the certificate ${certificateFile}: ` +
        'both have to come from the same request.',
    )
  const ca = [...rootCertificates, ...readAuthorities(authoritiesFile)]
  return {
    server: { cert, key, minVersion: OLDEST_VERSION },
    client: contextOf(certificateFile, { cert, key, ca, minVersion: OLDEST_VERSION }),
    certificate: factsOf(certificate),
  }
}

/** What OpenSSL will not take although it can be read, such as a key that is too short. */
function contextOf(file: string, options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`The TLS certificate ${file} cannot be used: ${reason}.`, { cause })
  }
}

function read(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'this user may not read it',
      EISDIR: 'it is a folder',
    }
    const reason = reasons[String(code)] ?? (cause instanceof Error ? cause.message : String(cause))
    throw new Error(`Cannot read the TLS ${what} ${file}: ${reason}.`, { cause })
  }
}

function readAuthorities(file: string | undefined): readonly string[] {
  if (file === undefined) return []
  return parseCertificates('authorities', file, read('authorities', file)).map(String)
}

function parseCertificates(what: string, file: string, text: string): readonly X509Certificate[] {
  try {
    const found = (text.match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem))
    if (found.length > 0) return found
  } catch (cause) {
    throw new Error(`The TLS ${what} in ${file} cannot be read: its PEM is damaged.`, { cause })
  }
  throw new Error(`There is no certificate in the TLS ${what} file ${file}: it has to be PEM.`)
}

function parseKey(file: string, text: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw new Error(
      `The TLS key ${file} cannot be read: it has to be a private key in PEM without a passphrase.`,
      { cause },
    )
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  const { subject, subjectAltName, validToDate } = certificate
  return { names: subjectAltName ?? subject, expiresAt: validToDate }
}
