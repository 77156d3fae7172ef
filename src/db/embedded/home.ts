import { chmod, chown, lchown, mkdir, mkdtemp, realpath, stat, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AppError } from '../../domain/app-error.ts'
import { findAccount, isRoot, mayReach } from './account.ts'
import { type Account, codeOf } from './processes.ts'

/** Where an embedded cluster lives. All paths are absolute and without links. */
export interface Home {
  /** Owned by the account and closed to everybody else: 0700. */
  readonly folder: string
  /** PostgreSQL's data directory. */
  readonly cluster: string
  readonly logFile: string
  /** Who runs PostgreSQL, if not the user of this process. */
  readonly account: Account | undefined
}

/**
 * Root's data often lies where no other user may enter, and the cluster then has to move. Not to
 * /var/tmp: systemd deletes there what has not been touched for a month.
 */
const ELSEWHERE = '/var/lib'

/**
 * Finds or makes the place of the cluster: `postgres` in `dataDir`. Where that cannot be entered by
 * the user that PostgreSQL has to run as, it is a link to a folder in /var/lib; the link remembers.
 * @throws AppError `invalid_configuration` if the place cannot be used.
 */
export async function openHome(dataDir: string): Promise<Home> {
  const wished = resolve(dataDir, 'postgres')
  const existing = await realpath(wished).catch(() => undefined)
  if (isRoot()) return existing ? openAsRoot(existing) : createAsRoot(wished)

  if (!existing) await mkdir(wished, { mode: 0o700 }).catch(explainMkdir(wished))
  const folder = existing ?? (await realpath(wished))
  const { uid } = await stat(folder)
  if (process.getuid && uid !== process.getuid()) throw belongsTo(folder, uid)
  return describeHome(folder, undefined)
}

function describeHome(folder: string, account: Account | undefined): Home {
  const cluster = join(folder, 'cluster')
  return { folder, cluster, logFile: join(folder, 'postgres.log'), account }
}

async function openAsRoot(folder: string): Promise<Home> {
  const owner = await stat(folder)
  // Root's own only if an earlier start was killed before it could give the folder away.
  const account = owner.uid === 0 ? await findAccount() : { uid: owner.uid, gid: owner.gid }
  if (owner.uid === 0) await giveTo(account, folder)
  if (await mayReach(account, folder)) return describeHome(folder, account)
  throw new AppError(
    'invalid_configuration',
    `User ${account.uid}, who owns the database in ${folder}, may not enter a folder above it: allow that with chmod, or set DATA_DIR to another place.`,
  )
}

async function createAsRoot(wished: string): Promise<Home> {
  const account = await findAccount()
  const dataDir = await realpath(resolve(wished, '..'))
  await letThrough(dataDir)
  if (await mayReach(account, dataDir)) {
    await mkdir(wished, { mode: 0o700 }).catch(explainMkdir(wished))
  } else {
    const folder = await mkdtemp(join(ELSEWHERE, 'bridgeback-')).catch(explainMkdir(ELSEWHERE))
    await giveTo(account, folder)
    await symlink(folder, wished)
  }
  return openAsRoot(await realpath(wished))
}

/**
 * Lets others through root's DATA_DIR, not look into it: better than the database somewhere else,
 * where a backup or the volume of a container misses it. Folders above are not ours to change.
 */
async function letThrough(dataDir: string): Promise<void> {
  const { uid, mode } = await stat(dataDir)
  if (uid === 0 && (mode & 0o001) === 0) await chmod(dataDir, (mode & 0o7777) | 0o011)
}

async function giveTo(account: Account, folder: string): Promise<void> {
  await chown(folder, account.uid, account.gid)
}

function explainMkdir(folder: string): (cause: unknown) => never {
  return (cause) => {
    throw new AppError(
      'invalid_configuration',
      `The embedded database cannot be kept in ${folder} (${codeOf(cause)}): set DATA_DIR to a folder that can be written, or set DATABASE_URL.`,
      { cause },
    )
  }
}

function belongsTo(folder: string, uid: number): AppError {
  return new AppError(
    'invalid_configuration',
    `The database in ${folder} belongs to user ${uid}: start as that user or as root, or set DATA_DIR to another place.`,
  )
}

/** Makes a folder in the home that the account owns; an existing one stays as it is. */
export async function makeFolder(home: Home, name: string): Promise<string> {
  const folder = join(home.folder, name)
  try {
    await mkdir(folder, { mode: 0o700 })
    // Not chown: the home belongs to the account, which must not get a link followed by root.
    if (home.account) await lchown(folder, home.account.uid, home.account.gid)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  return folder
}
