/** What transports count; every name is one metric. */
export const TRANSPORT_COUNTER_NAMES = [
  'connectionsAccepted',
  'connectionsOpened',
  /** Beyond what one source, or all, may have open. */
  'connectionsRefused',
  /** That have begun a message and not ended it. */
  'connectionsTooSlow',
  'connectionsIdle',
  /** That speak something else, or send a message beyond the limits. */
  'connectionsNotSip',
  /** That do not read what is sent to them. */
  'connectionsNotReading',
  /** To keep the connection of a call. */
  'keepAlivesSent',
  'tlsHandshakesFailed',
  'tlsPeersNotVerified',
] as const

export type TransportCounter = (typeof TRANSPORT_COUNTER_NAMES)[number]
