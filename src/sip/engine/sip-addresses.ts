import type { SipAddress } from './options.ts'
import type { TransportName } from './transport/transport.ts'

/** Where an engine on one host is to speak SIP. */
export interface SipPlace {
  readonly host: string
  readonly port: number
  /** The port for TLS. */
  readonly tlsPort: number
  readonly transports: readonly TransportName[]
  /** The address others reach it under, if it is another (NAT). */
  readonly publicHost?: string | undefined
}

/** The addresses of one host to listen on, one for each transport. */
export function sipAddresses({
  host,
  port,
  publicHost,
  tlsPort,
  transports,
}: SipPlace): readonly SipAddress[] {
  return transports.map((transport) =>
    reachedAs(publicHost, { transport, host, port: transport === 'tls' ? tlsPort : port }),
  )
}

/** An address with what others reach it under, if that is another. */
export function reachedAs(publicHost: string | undefined, address: SipAddress): SipAddress {
  return publicHost === undefined ? address : { ...address, publicHost }
}
