import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/app-error.ts'
import { checkUserHasName, isRoot } from './account.ts'
import type { Home } from './home.ts'
import { runProgram } from './processes.ts'
import type { Programs } from './programs.ts'
import { authentication, OWNER } from './transport.ts'

/** The major version that made the cluster; undefined if there is none yet. */
export async function clusterMajor(home: Home): Promise<number | undefined> {
  const text = await readFile(join(home.cluster, 'PG_VERSION'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Number.parseInt(text, 10)
}

/**
 * Makes the cluster. It gets its name when it is complete, so that a start that is killed leaves
 * nothing to repair.
 * @throws AppError if initdb fails, with its words.
 */
export async function createCluster(home: Home, programs: Programs): Promise<void> {
  if (!isRoot()) checkUserHasName()
  const partial = `${home.cluster}.partial`
  await rm(partial, { recursive: true, force: true })

  const args = [
    `--pgdata=${partial}`,
    `--username=${OWNER}`,
    // Bytes compare as bytes on every machine: no index depends on a library's idea of sorting.
    '--locale=C',
    '--encoding=UTF8',
    '--data-checksums',
    '--no-instructions',
    ...(await authentication(home)),
  ]
  const options = { account: home.account, cwd: home.folder, env: programs.env }
  const { code, error, output } = await runProgram(join(programs.folder, 'initdb'), args, options)
  if (code !== 0) throw initdbFailed(home, error ?? lastError(output))
  await rename(partial, home.cluster)
  // Without this a loss of power could take the name, and all that was stored since, away again.
  if (process.platform !== 'win32') await syncFolder(home.folder)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync()
  await handle.close()
}

function lastError(output: string): string {
  const lines = output.split('\n')
  return lines.findLast((line) => /error|fatal|could not/i.test(line)) ?? lines.at(-1) ?? ''
}

function initdbFailed(home: Home, why: string): AppError {
  return new AppError(
    'database_unreachable',
    `The embedded database could not be made in ${home.folder} (${why}): correct that, or set DATABASE_URL.`,
  )
}
