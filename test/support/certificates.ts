/**
 * Certificates that are made when a test needs them: node:crypto signs but writes none, and `openssl` is
 * not everywhere, so their few fields are written here in DER.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** What TLS needs of one end, in PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

/** Somebody whose certificates are trusted, or are not. */
export interface Authority extends Identity {
  readonly issue: (wanted: Wanted) => Identity
}

/** A certificate that is to be issued; it is valid for a day unless said. */
export interface Wanted {
  /** Host names, addresses and `sip:` URIs. */
  readonly hosts: readonly string[]
  readonly expiresAt?: Date
  /** The length of an RSA key; undefined: a key on P-256. */
  readonly rsaBits?: number
}

interface Party {
  readonly name: string
  readonly privateKey: KeyObject
}

const DAY_MS = 86_400_000

/** A new authority. */
export function createAuthority(name: string): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const itself = { name, privateKey }
  const isAuthority = [extension([0x55, 0x1d, 0x13], sequence(bool(true)))]
  return {
    ...identityOf(privateKey, write(itself, { name, publicKey, extensions: isAuthority })),
    issue: ({ hosts, expiresAt, rsaBits }) => {
      const pair =
        rsaBits === undefined
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('rsa', { modulusLength: rsaBits })
      const names = extension([0x55, 0x1d, 0x11], sequence(...hosts.map(generalName)))
      const subject = { name: hosts[0] ?? name, publicKey: pair.publicKey, extensions: [names] }
      return identityOf(
        pair.privateKey,
        write(itself, { ...subject, ...(expiresAt && { expiresAt }) }),
      )
    },
  }
}

function identityOf(privateKey: KeyObject, der: Buffer): Identity {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

interface Subject {
  readonly name: string
  readonly publicKey: KeyObject
  readonly extensions: readonly Buffer[]
  readonly expiresAt?: Date
}

/** @see RFC 5280 §4.1 */
function write(issuer: Party, { expiresAt, extensions, name, publicKey }: Subject): Buffer {
  const expires = expiresAt ?? new Date(Date.now() + DAY_MS)
  const begins = new Date(Math.min(Date.now(), expires.getTime()) - DAY_MS)
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer.name),
    sequence(time(begins), time(expires)),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuer.privateKey)
  return sequence(body, ECDSA_WITH_SHA256, tagged(0x03, Buffer.from([0]), signature))
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts)
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes)
const bool = (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0]))
const objectId = (bytes: readonly number[]): Buffer => tagged(0x06, Buffer.from(bytes))

const ECDSA_WITH_SHA256 = sequence(objectId([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]))

function distinguishedName(commonName: string): Buffer {
  const value = tagged(0x0c, Buffer.from(commonName))
  return sequence(tagged(0x31, sequence(objectId([0x55, 0x04, 0x03]), value)))
}

function time(at: Date): Buffer {
  const text = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return tagged(0x18, Buffer.from(text))
}

const extension = (id: readonly number[], value: Buffer): Buffer =>
  sequence(objectId(id), tagged(0x04, value))

function generalName(host: string): Buffer {
  if (host.startsWith('sip:')) return tagged(0x86, Buffer.from(host))
  if (isIP(host) === 0) return tagged(0x82, Buffer.from(host))
  if (host === '::1') return tagged(0x87, Buffer.alloc(15), Buffer.from([1]))
  return tagged(0x87, Buffer.from(host.split('.').map(Number)))
}
