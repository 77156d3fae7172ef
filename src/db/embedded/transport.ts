import { randomBytes } from 'node:crypto'
import { chmod, lchown, mkdtemp, readFile, rmdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Home, makeFolder } from './home.ts'
import type { PidFile } from './pid-file.ts'

/** How the embedded cluster is reached. */
export interface Connection {
  /** A folder with a socket (begins with `/`), or the loopback address on Windows. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password?: string
}

/** Superuser of the cluster, and the name of its one database. */
export const OWNER = 'bridgeback'

/** Part of the socket's name; no TCP port is opened. */
const SOCKET_PORT = 5432
/** The shortest limit of a socket's path: macOS has 103 bytes, Linux 107. */
const SOCKET_PATH_MAX = 103
const ELSEWHERE = '/tmp/bridgeback-'
const WINDOWS = process.platform === 'win32'

/**
 * Who may connect. The socket lies in a folder that only the account and root may enter, both of
 * whom own the data anyway, so it asks for no password; TCP is refused. Windows has no such sockets
 * in PostgreSQL's driver, so there it is TCP on the loopback address with a random password.
 * Arguments for initdb.
 */
export async function authentication(home: Home): Promise<readonly string[]> {
  if (!WINDOWS) return ['--auth-local=trust', '--auth-host=reject']
  const file = passwordFile(home)
  await writeFile(file, randomBytes(24).toString('hex'), { mode: 0o600 })
  return ['--auth=scram-sha-256', `--pwfile=${file}`]
}

/** Chooses where a new server listens. */
export async function chooseTransport(home: Home): Promise<Connection> {
  if (WINDOWS) return connectionTo(home, '127.0.0.1', await findFreePort())
  return connectionTo(home, await makeSocketFolder(home), SOCKET_PORT)
}

/** The connection to the server that has written this pid file. */
export function connectionFrom(home: Home, { port, socketFolder }: PidFile): Promise<Connection> {
  return connectionTo(home, WINDOWS ? '127.0.0.1' : socketFolder, port)
}

async function connectionTo(home: Home, host: string, port: number): Promise<Connection> {
  const connection = { host, port, user: OWNER, database: OWNER }
  if (!WINDOWS) return connection
  return { ...connection, password: await readFile(passwordFile(home), 'utf8') }
}

/** The server's settings that make it listen there and nowhere else. */
export function listenSettings({ host, port }: Connection): Readonly<Record<string, string>> {
  if (WINDOWS) return { listen_addresses: host, port: String(port), unix_socket_directories: '' }
  return {
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: host,
    unix_socket_permissions: '0700',
  }
}

function passwordFile(home: Home): string {
  return join(home.folder, 'password')
}

/** In the home, or where its path is too long for a socket, in a folder of a short name. */
async function makeSocketFolder(home: Home): Promise<string> {
  const socket = join(home.folder, 'socket', `.s.PGSQL.${SOCKET_PORT}`)
  if (Buffer.byteLength(socket) <= SOCKET_PATH_MAX) return makeFolder(home, 'socket')

  const folder = await mkdtemp(ELSEWHERE)
  if (home.account) await lchown(folder, home.account.uid, home.account.gid)
  await chmod(folder, 0o700)
  return folder
}

/** Removes the folder of a stopped server's socket, if that is not in the home. */
export async function removeSocketFolder({ host }: Connection): Promise<void> {
  if (host.startsWith(ELSEWHERE)) await rmdir(host).catch(() => {})
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
