import type { PeerCertificate } from 'node:tls'
import { expect, it } from 'vitest'
import { findIdentityProblem } from '../../../../src/sip/engine/transport/identity.ts'

it.each([
  { host: 'sip.example.com', names: 'DNS:sip.example.com', isOk: true },
  { host: 'SIP.example.com', names: 'DNS:sip.example.com', isOk: true },
  { host: 'example.com', names: 'URI:sip:example.com', isOk: true },
  { host: 'example.com', names: 'DNS:other.example, URI:sip:Example.com', isOk: true },
  { host: 'example.com', names: 'URI:sip:example.com.evil.example', isOk: false },
  { host: 'example.com', names: 'URI:sips:example.com', isOk: false },
  { host: 'a.example.com', names: 'DNS:*.example.com', isOk: true },
  { host: 'a.b.example.com', names: 'DNS:*.example.com', isOk: false },
  { host: 'example.com', names: 'DNS:*.example.com', isOk: false },
  { host: '203.0.113.7', names: 'IP Address:203.0.113.7', isOk: true },
  { host: '203.0.113.7', names: 'DNS:203.0.113.7', isOk: false },
  { host: '203.0.113.8', names: 'IP Address:203.0.113.7', isOk: false },
])('for $host $names is $isOk (RFC 5922 §7.1)', ({ host, names, isOk }) => {
  const certificate = {
    subject: { CN: 'somebody.example' },
    subjectaltname: names,
  } as unknown as PeerCertificate
  expect(findIdentityProblem(host, certificate) === undefined).toBe(isOk)
})
