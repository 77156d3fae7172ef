import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Config } from './config.ts'
import { parseApiKey, parseKeySecrets } from './config-parsers.ts'
import { AppError } from './domain/app-error.ts'
import type { KeySecret } from './keys.ts'

/** What must not be known outside. */
export interface Secrets {
  /** Newest first. */
  readonly callKeySecrets: readonly KeySecret[]
  readonly adminApiKey: string
  /** Whether this very call has made the file, so that somebody has to be shown what is in it. */
  readonly generated: boolean
  /** Where generated ones are kept. */
  readonly file: string
}

/** What the file holds, in the spelling of the settings. */
const STORED = z.strictObject({ call_key_secrets: z.string(), admin_api_key: z.string() })

/**
 * The secrets as configured; what is not configured is generated once into `secrets.json` under
 * `dataDir` (mode 0600) and read from there ever after. Processes that start at once end with the
 * same ones.
 * @throws AppError `invalid_configuration` if the folder cannot be written, or the file not read
 */
export async function loadSecrets(
  config: Pick<Config, 'dataDir' | 'callKeySecrets' | 'adminApiKey'>,
): Promise<Secrets> {
  const { dataDir, callKeySecrets, adminApiKey } = config
  const file = join(dataDir, 'secrets.json')
  if (callKeySecrets && adminApiKey !== undefined) {
    return { callKeySecrets, adminApiKey, generated: false, file }
  }
  const generated = await generateOnce(dataDir, file)
  const stored = await readSecrets(file)
  return {
    callKeySecrets: callKeySecrets ?? stored.callKeySecrets,
    adminApiKey: adminApiKey ?? stored.adminApiKey,
    generated,
    file,
  }
}

/** Whether the file was made by this call, and not there already. */
async function generateOnce(dataDir: string, file: string): Promise<boolean> {
  try {
    if (await exists(file)) return false
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    const text = JSON.stringify(generateSecrets(), undefined, 2)
    const isFirst = await writeFirst(file, `${text}\n`)
    await syncFolder(dataDir)
    return isFirst
  } catch (cause) {
    throw new AppError(
      'invalid_configuration',
      `${file} cannot be written (${codeOf(cause)}): set DATA_DIR to a folder that can, or set CALL_KEY_SECRETS and ADMIN_API_KEY.`,
      { cause },
    )
  }
}

function generateSecrets(): z.output<typeof STORED> {
  return {
    call_key_secrets: `1:${randomBytes(32).toString('base64url')}`,
    admin_api_key: randomBytes(32).toString('base64url'),
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await readFile(file)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Writes the file whole or not at all, unless another process was first. A link is what makes it
 * appear: unlike a rename it never replaces what is there.
 */
async function writeFirst(file: string, text: string): Promise<boolean> {
  const temporary = `${file}.${randomBytes(8).toString('hex')}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
    await link(temporary, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await handle.close()
    await rm(temporary, { force: true })
  }
}

/** A file outlives a power cut only once its folder is written too; Windows does not open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readSecrets(file: string): Promise<Pick<Secrets, 'callKeySecrets' | 'adminApiKey'>> {
  const stored = parseStored(await readFile(file, 'utf8'))
  if (stored) return stored
  throw new AppError(
    'invalid_configuration',
    `${file} is damaged: restore it from a backup, or delete it to have new secrets made, which ends the keys of open calls.`,
  )
}

function parseStored(text: string): Pick<Secrets, 'callKeySecrets' | 'adminApiKey'> | undefined {
  const stored = STORED.safeParse(parseJson(text))
  if (!stored.success) return undefined
  const callKeySecrets = parseKeySecrets(stored.data.call_key_secrets)
  const adminApiKey = parseApiKey(stored.data.admin_api_key)
  if (callKeySecrets.kind === 'problem' || adminApiKey.kind === 'problem') return undefined
  return { callKeySecrets: callKeySecrets.value, adminApiKey: adminApiKey.value }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
