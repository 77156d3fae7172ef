import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { ADVISORY_LOCKS } from './advisory-locks.ts'
import { AppError } from '../domain/app-error.ts'
import { isConnectionFailure } from './pool.ts'
import type { Database, Queryable } from './queryable.ts'

/** Where migrations are read from. */
export interface MigrateOptions {
  /** Folder of `000001.sql`, `000002.sql`, …; those of this build unless said. */
  readonly folder?: string | URL
}

interface Migration {
  readonly name: string
  readonly text: string
  readonly sha256: string
}

const FOLDER = new URL('./migrations/', import.meta.url)
const SERVER_VERSION_MIN = 150_000
/** An index over tens of millions of rows takes minutes. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000
/**
 * Brings the schema up to this build: runs the migrations that the database has not seen, in the
 * order of their numbers, each in one transaction together with its row in `migrations`. Killed at
 * any point it leaves whole migrations only, and the next start goes on from there; started twice
 * at once, one waits for the other. Migrations go forward only and are never edited once released.
 * @throws AppError `database_unreachable`; `database_unsupported` for a PostgreSQL older than 15, a
 *   schema newer than this build, or a migration changed after it was applied.
 */
export async function migrate(
  database: Database,
  options: MigrateOptions = {},
): Promise<{ applied: readonly string[] }> {
  const known = await readMigrations(options.folder ?? FOLDER)
  await checkServer(database)

  const applied: string[] = []
  for (;;) {
    const name = await database.transaction((db) => applyNext(db, known), {
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    })
    if (name === undefined) return { applied }
    applied.push(name)
  }
}

async function readMigrations(folder: string | URL): Promise<readonly Migration[]> {
  const base = folder instanceof URL ? folder : `${folder}/`
  const names = (await readdir(folder)).filter((name) => /^\d{6}.*\.sql$/.test(name)).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const path = base instanceof URL ? new URL(name, base) : base + name
      // A checkout on Windows may have changed line ends, which changes nothing else.
      const text = (await readFile(path, 'utf8')).replaceAll('\r\n', '\n')
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

async function checkServer(database: Database): Promise<void> {
  const { rows } = await database
    .query<{ version: string; number: number }>(
      `select current_setting('server_version') as version,
              current_setting('server_version_num')::int as number`,
    )
    .catch(explainUnreachable)
  for (const { version, number } of rows) {
    if (number >= SERVER_VERSION_MIN) continue
    throw new AppError(
      'database_unsupported',
      `PostgreSQL ${version} is too old: set DATABASE_URL to PostgreSQL 15 or newer.`,
    )
  }
}

/** Wrong password, unknown role and unknown database are a person's to correct, as is silence. */
function explainUnreachable(cause: unknown): never {
  const refused = cause instanceof Error && 'code' in cause && /^(28|3D)/.test(String(cause.code))
  if (!refused && !isConnectionFailure(cause)) throw cause
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new AppError(
    'database_unreachable',
    `PostgreSQL cannot be reached (${why}): start it, or correct DATABASE_URL.`,
    { cause },
  )
}

/** Runs the first migration that the database has not seen, and names it. */
async function applyNext(db: Queryable, known: readonly Migration[]): Promise<string | undefined> {
  // Lock in one statement, read in the next: only then is seen what the one before us has done.
  await db.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.migrations])
  await createMigrationsTable(db)
  const { rows } = await db.query<{ name: string; sha256: string }>(
    `select name, sha256 from migrations order by name`,
  )
  checkHistory(rows, known)

  const next = known[rows.length]
  if (!next) return undefined
  await db.query(next.text)
  await db.query(`insert into migrations (name, sha256) values ($1, $2)`, [next.name, next.sha256])
  return next.name
}

async function createMigrationsTable(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ exists: boolean }>(
    `select to_regclass('migrations') is not null as exists`,
  )
  if (rows[0]?.exists) return
  await db.query(
    `create table migrations (
       name       text primary key,
       sha256     text not null,
       applied_at timestamptz not null default now()
     )`,
  )
}

/** What has been applied must be the beginning of what this build knows, word for word. */
function checkHistory(
  applied: readonly Pick<Migration, 'name' | 'sha256'>[],
  known: readonly Migration[],
): void {
  for (const [index, { name, sha256 }] of applied.entries()) {
    const migration = known[index]
    if (migration?.name !== name) {
      throw new AppError(
        'database_unsupported',
        `The database has migration ${name}, which this version does not know: run the newer version that made it.`,
      )
    }
    if (migration.sha256 !== sha256) {
      throw new AppError(
        'database_unsupported',
        `Migration ${name} was changed after it had been applied: restore the file as it was released.`,
      )
    }
  }
}
