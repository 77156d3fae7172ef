import { expect, it } from 'vitest'
import {
  type HostResolver,
  openHostResolver,
  type Wanted,
} from '../../../../src/sip/engine/transport/resolve.ts'
import { type NameAnswer, startNameServer } from '../../../support/name-server.ts'

const ZONE: Readonly<Record<string, NameAnswer>> = {
  'plain.test': ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
  '_sip._udp.srv.test': [{ srv: [20, 0, 5070, 'b.test'] }, { srv: [10, 0, 5080, 'a.test'] }],
  '_sip._tcp.srv.test': [{ srv: [1, 0, 5090, 'a.test'] }],
  '_sips._tcp.srv.test': [{ srv: [1, 0, 5071, 'b.test'] }],
  '_sip._tcp.tcp.test': [{ srv: [1, 0, 5060, 'a.test'] }],
  'naptr.test': [
    { naptr: [10, 20, 'SIP+D2U', '_sip._udp.srv.test'] },
    { naptr: [10, 10, 'SIP+D2T', '_sip._tcp.srv.test'] },
    { naptr: [1, 1, 'SIPS+D2T', '_sips._tcp.srv.test'] },
  ],
  '_sip._udp.closed.test': [{ srv: [0, 0, 0, ''] }],
  'closed.test': ['192.0.2.9'],
  'a.test': ['192.0.2.10'],
  'b.test': ['192.0.2.20', '192.0.2.21'],
}

async function open(): Promise<{ resolver: HostResolver; asked: string[] }> {
  const asked: string[] = []
  const server = await startNameServer((name) => {
    asked.push(name)
    return ZONE[name] ?? 3
  })
  return {
    resolver: openHostResolver(
      [server],
      () => 0,
      () => 0,
    ),
    asked,
  }
}

const UDP: Omit<Wanted, 'host'> = { port: undefined, transports: ['udp'], families: [4] }

it.each<{ name: string; wanted: Wanted; places: readonly string[] }>([
  {
    name: 'the addresses of a host with a port',
    wanted: { ...UDP, host: 'plain.test', port: 5062 },
    places: ['udp/192.0.2.1:5062', 'udp/192.0.2.2:5062'],
  },
  {
    name: 'the default port where there is no SRV',
    wanted: { ...UDP, host: 'plain.test', transports: ['tls'] },
    places: ['tls/192.0.2.1:5061', 'tls/192.0.2.2:5061'],
  },
  {
    name: 'both families where there are sockets of both',
    wanted: { ...UDP, host: 'plain.test', port: 5062, families: [6, 4] },
    places: ['udp/2001:db8::1:5062', 'udp/192.0.2.1:5062', 'udp/192.0.2.2:5062'],
  },
  {
    name: 'SRV by priority, each with all its addresses',
    wanted: { ...UDP, host: 'srv.test' },
    places: ['udp/192.0.2.10:5080', 'udp/192.0.2.20:5070', 'udp/192.0.2.21:5070'],
  },
  {
    name: 'the SRV of TLS',
    wanted: { ...UDP, host: 'srv.test', transports: ['tls'] },
    places: ['tls/192.0.2.20:5071', 'tls/192.0.2.21:5071'],
  },
  {
    name: 'no SRV where there is a port (RFC 3263 §4.2)',
    wanted: { ...UDP, host: 'a.test', port: 5060 },
    places: ['udp/192.0.2.10:5060'],
  },
  {
    name: 'what NAPTR prefers of the transports that may be used (§4.1)',
    wanted: { ...UDP, host: 'naptr.test', transports: ['udp', 'tcp'] },
    places: ['tcp/192.0.2.10:5090'],
  },
  {
    name: 'without NAPTR the first transport that has SRV (§4.1)',
    wanted: { ...UDP, host: 'tcp.test', transports: ['udp', 'tcp'] },
    places: ['tcp/192.0.2.10:5060'],
  },
  {
    name: 'nothing where SRV says that there is no service (RFC 2782)',
    wanted: { ...UDP, host: 'closed.test' },
    places: [],
  },
  {
    name: 'nothing for a name that nobody knows',
    wanted: { ...UDP, host: 'x.invalid' },
    places: [],
  },
])('finds $name', async ({ wanted, places }) => {
  const { resolver } = await open()
  const found = await resolver.resolve(wanted)
  expect(found.map(({ address, port, transport }) => `${transport}/${address}:${port}`)).toEqual(
    places,
  )
})

it('tries a place that has failed after the others', async () => {
  const { resolver } = await open()
  const wanted = { ...UDP, host: 'srv.test' }
  const [first] = await resolver.resolve(wanted)
  if (first) resolver.avoid(first)
  const ports = (await resolver.resolve(wanted)).map(({ port }) => port)
  expect(ports).toEqual([5070, 5070, 5080])
})

it('asks once for a name that is wanted again', async () => {
  const { asked, resolver } = await open()
  const wanted = { ...UDP, host: 'srv.test' }
  await Promise.all([resolver.resolve(wanted), resolver.resolve(wanted)])
  await resolver.resolve(wanted)
  expect(asked.toSorted()).toEqual(['_sip._udp.srv.test', 'a.test', 'b.test'])
})
