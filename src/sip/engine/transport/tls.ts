import { connect, createServer, type TLSSocket } from 'node:tls'
import { bracketed } from '../message/uri.ts'
import { type Credentials, readCredentials } from './certificate.ts'
import type { CertificateFacts, TlsFiles } from '../options.ts'
import { findIdentityProblem } from './identity.ts'
import { listenStreams, type StreamOptions } from './streams.ts'
import type { Hop, Listener, Reports } from './transport.ts'

/** An address that SIP is spoken on over TLS. */
export interface TlsListener extends Listener {
  readonly certificate: () => CertificateFacts
  /**
   * Reads the files again. Connections that are open go on as they are.
   * @throws an Error of one sentence if the files cannot be used; then what was read before holds
   */
  readonly reload: () => void
}

/**
 * Listens on one address for TLS, from version 1.2. Others have to trust the certificate that is shown to
 * them; whoever is connected to has to show one of an authority that is trusted, for the host that was
 * called. Nothing turns that off.
 *
 * @throws the socket's error if the address cannot be listened on, an Error of one sentence if the files
 *   cannot be used
 */
export async function listenTls(
  options: StreamOptions & { readonly files: TlsFiles },
  reports: Reports,
): Promise<TlsListener> {
  const { files, limits } = options
  let credentials = readCredentials(files)
  // It only shakes hands: the sockets come from the server that counts them.
  const server = createServer({ ...credentials.server, handshakeTimeout: limits.connectMs })
  server.on('tlsClientError', (_, socket) => {
    reports.count('tlsHandshakesFailed')
    socket.destroy() // one that is only late stays open otherwise
  })
  const listener = await listenStreams(
    {
      transport: 'tls',
      accepting: (ready) => {
        server.on('secureConnection', ready)
        return (socket) => server.emit('connection', socket)
      },
      open: (to) => openTls(to, credentials, reports),
      readyEvent: 'secureConnect',
    },
    options,
    reports,
  )
  return {
    ...listener,
    certificate: () => credentials.certificate,
    reload: () => {
      credentials = readCredentials(files)
      server.setSecureContext(credentials.server)
    },
  }
}

function openTls(to: Hop, { client }: Credentials, reports: Reports): TLSSocket {
  const { address, name, port } = to
  const host = name ?? address
  const socket = connect({
    host: address,
    port,
    secureContext: client,
    rejectUnauthorized: true, // whatever the environment says
    checkServerIdentity: (_, certificate) => findIdentityProblem(host, certificate),
    ...(name !== undefined && { servername: name }),
  })
  socket.setNoDelay(true)
  socket.setKeepAlive(true)
  socket.on('error', (error: Error) => {
    if (!isAboutTrust(error)) return
    reports.count('tlsPeersNotVerified')
    reports.warn(
      `TLS to ${host} (${bracketed(address)}:${port}) is refused: ${error.message}. ` +
        'Its certificate has to be valid for that host and come from an authority that is trusted.',
    )
  })
  return socket
}

/** Whether a connection failed by its certificate, not by the network. */
function isAboutTrust(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : ''
  return /CERT|ISSUER|SIGNATURE|ALTNAME|SELF_SIGNED/.test(code)
}
