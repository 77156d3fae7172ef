import { describe, expect, it } from 'vitest'
import {
  buildAddressPolicy,
  checkAddress,
  checkUrl,
  parseNetwork,
  TARGET_REFUSED,
} from '../../src/delivery/address-policy.ts'
import { REFUSED_URLS, RESPELLED_URLS } from './support/refused-urls.ts'

const publicOnly = buildAddressPolicy([])
const withLan = buildAddressPolicy(['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'])

describe('checkAddress', () => {
  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82b::200e',
    '2001:200::1',
    '3ffe::1',
  ])('allows the public %s', (ip) => {
    expect(checkAddress(publicOnly, ip, 443)).toBeUndefined()
  })

  it.each([
    ['this network', '0.0.0.0'],
    ['RFC 1918', '10.0.0.1'],
    ['carrier NAT', '100.64.0.1'],
    ['loopback', '127.0.0.1'],
    ['loopback, last', '127.255.255.255'],
    ['link-local, cloud metadata', '169.254.169.254'],
    ['RFC 1918', '172.16.0.1'],
    ['RFC 1918, last', '172.31.255.255'],
    ['protocol assignments', '192.0.0.1'],
    ['documentation', '192.0.2.1'],
    ['6to4 relay', '192.88.99.1'],
    ['RFC 1918', '192.168.1.1'],
    ['benchmarks', '198.19.255.255'],
    ['documentation', '198.51.100.7'],
    ['documentation', '203.0.113.7'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['IPv4-mapped', '::ffff:127.0.0.1'],
    ['IPv4-mapped, public', '::ffff:1.1.1.1'],
    ['IPv4-mapped in hex', '::ffff:7f00:1'],
    ['IPv4-compatible', '::7f00:1'],
    ['SIIT', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['local NAT64', '64:ff9b:1::1'],
    ['discard', '100::1'],
    ['Teredo', '2001:0:1::1'],
    ['documentation', '2001:db8::1'],
    ['6to4', '2002:7f00:1::1'],
    ['documentation', '3fff::1'],
    ['segment routing', '5f00::1'],
    ['unique local', 'fd00::1'],
    ['link-local', 'fe80::1'],
    ['a zone', 'fe80::1%eth0'],
    ['a public address with a zone', '2606:4700::1%lo'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['no address', 'partner.example'],
    ['nothing', ''],
  ])('refuses %s: %s', (_, ip) => {
    expect(checkAddress(publicOnly, ip, 443)).toBe('address_not_allowed')
  })

  it.each([80, 443, 8080, 8443])('allows port %i', (port) => {
    expect(checkAddress(publicOnly, '1.1.1.1', port)).toBeUndefined()
  })

  it.each([0, 22, 25, 81, 5432, 6379, 9022, 65535])('refuses port %i', (port) => {
    expect(checkAddress(publicOnly, '1.1.1.1', port)).toBe('address_not_allowed')
  })

  it.each([
    ['in an allowed network', '10.1.255.255', 5432],
    ['the allowed address', '127.0.0.1', 1],
    ['in an allowed IPv6 network', 'fd00:1::5', 8123],
    ['a public address as ever', '1.1.1.1', 80],
  ])('allows %s: %s port %i', (_, ip, port) => {
    expect(checkAddress(withLan, ip, port)).toBeUndefined()
  })

  it.each([
    ['beside an allowed network', '10.2.0.0', 80],
    ['beside the allowed address', '127.0.0.2', 80],
    ['an allowed address in a second spelling', '::ffff:127.0.0.1', 80],
    ['an allowed address in a third spelling', '64:ff9b::7f00:1', 80],
    ['a public address on a port that is not allowed', '1.1.1.1', 22],
  ])('still refuses %s: %s port %i', (_, ip, port) => {
    expect(checkAddress(withLan, ip, port)).toBe('address_not_allowed')
  })
})

describe('checkUrl', () => {
  it.each(REFUSED_URLS)('refuses %j, in the same words', (url) => {
    expect(checkUrl(publicOnly, url)).toBe(TARGET_REFUSED)
  })

  it('refuses 10 private addresses in 19 spellings each', () => {
    expect(RESPELLED_URLS).toHaveLength(190)
    const passed = RESPELLED_URLS.filter((url) => checkUrl(publicOnly, url) !== TARGET_REFUSED)
    expect(passed).toEqual([])
  })

  it.each([
    'https://partner.example/ping?id=[call_uuid]&from=[caller_number]{none}',
    'http://partner.example:8080/',
    'https://partner.example:8443/',
    'https://1.1.1.1/',
    'http://[2606:4700:4700::1111]/',
    'http://127.0.0.1.nip.example/',
    'http://localhost.example/',
  ])('lets %j pass: what a name stands for is seen when it is connected to', (url) => {
    expect(checkUrl(publicOnly, url)).toBeUndefined()
  })

  it.each([
    'http://127.0.0.1:34567/x',
    'http://localhost:34567/x',
    'http://10.1.2.3:9000/',
    'http://[fd00:1::1]:9000/',
    'http://crm.lan:9000/',
  ])('lets %j pass where its network is allowed', (url) => {
    expect(checkUrl(withLan, url)).toBeUndefined()
  })

  it.each(['http://127.0.0.2/', 'http://[::1]:9000/', 'http://user@10.1.2.3/', 'ftp://10.1.2.3/'])(
    'still refuses %j where other networks are allowed',
    (url) => {
      expect(checkUrl(withLan, url)).toBe(TARGET_REFUSED)
    },
  )
})

describe('parseNetwork', () => {
  it.each([
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    [' fd00::/8 ', { address: 'fd00::', prefix: 8, family: 'ipv6' }],
    ['10.1.2.3', { address: '10.1.2.3', prefix: 32, family: 'ipv4' }],
    ['::1', { address: '::1', prefix: 128, family: 'ipv6' }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0, family: 'ipv4' }],
    ['10.0.0.0/33', undefined],
    ['fd00::/129', undefined],
    ['10.0.0/8', undefined],
    ['10.0.0.0/', undefined],
    ['10.0.0.0/x', undefined],
    ['fe80::1%eth0', undefined],
    ['localhost', undefined],
    ['', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseNetwork(text)).toEqual(expected)
  })
})

it('names the network that is malformed', () => {
  expect(() => buildAddressPolicy(['10.0.0.0/8', '10.0.0'])).toThrow(
    'ALLOW_PRIVATE_TARGETS holds "10.0.0", which is not a network: write it like 10.1.2.0/24.',
  )
})
