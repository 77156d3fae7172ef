import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCallKeys } from '../src/keys.ts'
import { loadSecrets } from '../src/secrets.ts'

function aDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'data')
}

describe('loadSecrets (B7)', () => {
  it('takes what is configured and writes nothing', async () => {
    const dataDir = aDataDir()
    const callKeySecrets = [{ version: 3, secret: 'correct-horse-battery' }]
    const secrets = await loadSecrets({ dataDir, callKeySecrets, adminApiKey: 'tr0ub4dor' })
    expect(secrets).toMatchObject({ callKeySecrets, adminApiKey: 'tr0ub4dor', generated: false })
    expect(() => statSync(dataDir)).toThrow('ENOENT')
  })

  it('generates strong ones once, readable by the owner only, and finds them again', async () => {
    const dataDir = aDataDir()
    const first = await loadSecrets({ dataDir })
    expect(first).toMatchObject({ generated: true, file: join(dataDir, 'secrets.json') })
    expect(first.callKeySecrets).toEqual([
      { version: 1, secret: expect.stringMatching(/^[\w-]{43}$/) as string },
    ])
    expect(first.adminApiKey).toMatch(/^[\w-]{43}$/)
    expect(statSync(first.file).mode & 0o777).toBe(0o600)
    expect(readdirSync(dataDir)).toEqual(['secrets.json'])
    expect(() => createCallKeys(first.callKeySecrets)).not.toThrow()

    expect(await loadSecrets({ dataDir })).toEqual({ ...first, generated: false })
  })

  it('gives another installation other secrets', async () => {
    const [one, two] = await Promise.all(
      [aDataDir(), aDataDir()].map((dataDir) => loadSecrets({ dataDir })),
    )
    expect(one?.adminApiKey).not.toBe(two?.adminApiKey)
    expect(one?.callKeySecrets).not.toEqual(two?.callKeySecrets)
  })

  it('generates only what is not configured', async () => {
    const dataDir = aDataDir()
    const { adminApiKey, callKeySecrets } = await loadSecrets({ dataDir, adminApiKey: 'tr0ub4dor' })
    expect(adminApiKey).toBe('tr0ub4dor')
    expect(callKeySecrets).toHaveLength(1)
  })

  it('ends with the same secrets in twenty processes that start at once', async () => {
    const dataDir = aDataDir()
    const all = await Promise.all(Array.from({ length: 20 }, () => loadSecrets({ dataDir })))
    expect(new Set(all.map(({ adminApiKey }) => adminApiKey)).size).toBe(1)
    expect(all.filter(({ generated }) => generated)).toHaveLength(1)
    expect(readdirSync(dataDir)).toEqual(['secrets.json'])
  })

  it.each([
    '',
    '{',
    'null',
    '5',
    '{}',
    '{"call_key_secrets":"1:short","admin_api_key":"tr0ub4dor"}',
  ])('refuses a damaged file and leaves it: %j', async (text) => {
    const dataDir = aDataDir()
    const { file } = await loadSecrets({ dataDir })
    writeFileSync(file, text)
    await expect(loadSecrets({ dataDir })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('is damaged') as string,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('says what to do where the folder cannot be written', async () => {
    const dataDir = aDataDir()
    writeFileSync(dataDir, 'a file in its place')
    await expect(loadSecrets({ dataDir })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('cannot be written (ENOTDIR)') as string,
    })
  })
})
