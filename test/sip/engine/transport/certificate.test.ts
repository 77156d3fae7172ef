import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readCredentials } from '../../../../src/sip/engine/transport/certificate.ts'
import { createAuthority } from '../../../support/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
const authority = createAuthority('Test Authority')
const ours = authority.issue({ hosts: ['sip.example.com'] })
const short = authority.issue({ hosts: ['sip.example.com'], rsaBits: 1_024 })
const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

afterAll(() => {
  rmSync(folder, { recursive: true })
})

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const certificateFile = write('good.crt', ours.certificate)
const keyFile = write('good.key', ours.key)

it('reads a certificate with those that lead to its authority', () => {
  const chain = write('chain.crt', ours.certificate + authority.certificate)
  const { certificate } = readCredentials({ certificateFile: chain, keyFile })
  expect(certificate.names).toBe('DNS:sip.example.com')
  expect(certificate.expiresAt.getTime()).toBeGreaterThan(Date.now())
})

it.each([
  {
    name: 'a certificate that is not there',
    files: { certificateFile: '/nowhere/sip.crt' },
    problem: 'Cannot read the TLS certificate /nowhere/sip.crt: there is no such file.',
  },
  {
    name: 'a key that is a folder',
    files: { keyFile: folder },
    problem: `Cannot read the TLS key ${folder}: it is a folder.`,
  },
  {
    name: 'a certificate file without a certificate',
    files: { certificateFile: keyFile },
    problem: `There is no certificate in the TLS certificate file ${keyFile}: it has to be PEM.`,
  },
  {
    name: 'a damaged certificate',
    files: { certificateFile: write('damaged.crt', damaged) },
    problem: `The TLS certificate in ${join(folder, 'damaged.crt')} cannot be read: its PEM is damaged.`,
  },
  {
    name: 'a key that is none',
    files: { keyFile: certificateFile },
    problem:
      `The TLS key ${certificateFile} cannot be read: ` +
      'it has to be a private key in PEM without a passphrase.',
  },
  {
    name: 'the key of another certificate',
    files: { keyFile: write('other.key', authority.key) },
    problem:
      `The TLS key ${join(folder, 'other.key')} does not belong to the certificate ` +
      `${certificateFile}: both have to come from the same request.`,
  },
  {
    name: 'a key that is too short',
    files: {
      certificateFile: write('short.crt', short.certificate),
      keyFile: write('short.key', short.key),
    },
    problem: /^The TLS certificate .*short\.crt cannot be used: .*key too small\.$/,
  },
  {
    name: 'authorities that are not there',
    files: { authoritiesFile: '/nowhere/ca.crt' },
    problem: 'Cannot read the TLS authorities /nowhere/ca.crt: there is no such file.',
  },
])('names $name', ({ files, problem }) => {
  expect(() => readCredentials({ certificateFile, keyFile, ...files })).toThrow(problem)
})
