import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/**
 * Why a certificate is not that of the host a connection was made to; undefined if it is. What counts is
 * the domain or address in the SIP URI, not what DNS has made of it. A `sip:` name of the certificate
 * counts as well as a DNS name.
 *
 * A wildcard for one label is accepted, which RFC 5922 §7.2 forbids: trunks that many know have no other
 * certificates.
 *
 * @see RFC 5922 §7.1
 */
export function findIdentityProblem(host: string, certificate: PeerCertificate): Error | undefined {
  const names = (certificate.subjectaltname ?? '').split(', ')
  const wanted = `uri:sip:${host.toLowerCase()}`
  if (names.some((name) => name.toLowerCase() === wanted)) return undefined
  return checkServerIdentity(host, certificate)
}
