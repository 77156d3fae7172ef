import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { AppError } from '../../domain/app-error.ts'
import { type Account, cleanEnvironment, runProgram } from './processes.ts'

/** True where PostgreSQL, which refuses to run as root, needs another user. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * The user for a new cluster where this process is root: `postgres`, else `nobody`. No user is ever
 * created.
 * @throws AppError if the machine has neither.
 */
export async function findAccount(): Promise<Account> {
  for (const name of ['postgres', 'nobody']) {
    const uid = await askId('-u', name)
    const gid = await askId('-g', name)
    if (uid && gid) return { uid, gid }
  }
  throw new AppError(
    'missing_program',
    'PostgreSQL cannot run as root and there is no user postgres or nobody: start as another user, or set DATABASE_URL.',
  )
}

async function askId(option: '-u' | '-g', name: string): Promise<number | undefined> {
  const env = cleanEnvironment()
  const { code, output } = await runProgram('id', [option, name], { cwd: '/', env })
  return code === 0 && /^\d+$/.test(output) ? Number(output) : undefined
}

/**
 * initdb asks the system for the name of its user, and a container started with a bare number
 * (`docker --user 54321`) has none.
 * @throws AppError if this process's user has no name.
 */
export function checkUserHasName(): void {
  try {
    userInfo()
  } catch (cause) {
    throw new AppError(
      'invalid_configuration',
      `User ${process.getuid?.()} has no entry in /etc/passwd, which the embedded database needs: start as a user that has one, or set DATABASE_URL.`,
      { cause },
    )
  }
}

/** What decides who may enter a folder. */
export interface FolderMode {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** Whether `account`, a member of no further group, may enter all of `folders`. */
export function mayEnter(account: Account, folders: readonly FolderMode[]): boolean {
  return folders.every(({ uid, gid, mode }) => {
    if (uid === account.uid) return (mode & 0o100) !== 0
    if (gid === account.gid) return (mode & 0o010) !== 0
    return (mode & 0o001) !== 0
  })
}

/** Whether `account` may enter `folder`, an absolute path without links, and all folders above. */
export async function mayReach(account: Account, folder: string): Promise<boolean> {
  const path = [folder]
  for (let above = dirname(folder); above !== path.at(-1); above = dirname(above)) path.push(above)
  return mayEnter(account, await Promise.all(path.map((name) => stat(name))))
}
