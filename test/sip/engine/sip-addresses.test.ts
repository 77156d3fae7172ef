import { expect, it } from 'vitest'
import { sipAddresses } from '../../../src/sip/engine/sip-addresses.ts'

const PLACE = { host: '10.0.0.5', port: 5060, tlsPort: 5061 }

it('gives each transport the port, and TLS its own', () => {
  expect(sipAddresses({ ...PLACE, transports: ['udp', 'tcp', 'tls'] })).toEqual([
    { transport: 'udp', host: '10.0.0.5', port: 5060 },
    { transport: 'tcp', host: '10.0.0.5', port: 5060 },
    { transport: 'tls', host: '10.0.0.5', port: 5061 },
  ])
})

it('adds to each what others reach it under', () => {
  const publicHost = '203.0.113.5'
  expect(sipAddresses({ ...PLACE, publicHost, transports: ['udp', 'tls'] })).toEqual([
    { transport: 'udp', host: '10.0.0.5', port: 5060, publicHost },
    { transport: 'tls', host: '10.0.0.5', port: 5061, publicHost },
  ])
})
