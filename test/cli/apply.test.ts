import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { applyFile } from '../../src/cli/apply.ts'
import { exportConfiguration, exportToFile } from '../../src/cli/export.ts'
import { listActs } from '../../src/db/audit.ts'
import { aConfigurationDocument, clearConfigurations } from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase()
beforeEach(() => clearConfigurations(database))

const folder = mkdtempSync(join(tmpdir(), 'bridgeback-apply-'))
afterAll(() => rmSync(folder, { recursive: true }))

const { host, port, user, password = '', database: name } = database.connection
const config = {
  databaseUrl: `postgresql://${user}:${password}@localhost/${name}?host=${encodeURIComponent(host)}&port=${port}`,
  dataDir: folder,
  allowPrivateTargets: [],
}

function aFile(text: string): string {
  const file = join(folder, 'configuration.yaml')
  writeFileSync(file, text)
  return file
}

const yaml = stringify(aConfigurationDocument())

describe('apply', () => {
  it('says what it changed, and that there is nothing left to change', async () => {
    const file = aFile(yaml)
    const lines = await applyFile(config, { file, dryRun: false })
    expect(lines.slice(0, -1)).toEqual([
      'publisher acme-media: added',
      'buyer solar-direct: added',
      'campaign solar: added, version 1',
    ])
    expect(lines.at(-1)).toMatch(/^Applied: revision \d+ is in force\.$/)
    expect(await applyFile(config, { file, dryRun: false })).toEqual([
      expect.stringMatching(/^Nothing to change: revision \d+ is in force\.$/),
    ])
  })

  it('reads JSON', async () => {
    const file = aFile(JSON.stringify(aConfigurationDocument()))
    expect(await applyFile(config, { file, dryRun: false })).toHaveLength(4)
  })

  it('changes nothing in a dry run, and shows tracking URLs filled in', async () => {
    const lines = await applyFile(config, { file: aFile(yaml), dryRun: true })
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^solar\/ping at bridged: HEAD https:\/\/crm\.example\/\S*00000000-0000-7000-8000-000000000000/,
      ),
    )
    expect(lines.at(-1)).toBe('Nothing was changed (dry run): revision 0 is in force.')
    expect(await exportConfiguration(config)).toBe('{}\n')
  })

  it('tells its warnings first', async () => {
    const file = aFile(`trunks: [{ id: carrier, gateway: "sip:198.51.100.9" }]
buyers: [{ id: a, name: A, endpoint: "sip:198.51.100.7", gateway: carrier }]`)
    const [warning] = await applyFile(config, { file, dryRun: true })
    expect(warning).toBe('warning: buyers[0].gateway is used for tel: endpoints only: remove it')
  })

  it('names every problem on a line of its own and applies nothing', async () => {
    const file = aFile(`publishers: [{ id: A B, name: A }]
campaigns:
  - id: solar
    name: Solar
    tracking_urls: [{ id: ping, trigger: bridged, url: "http://127.0.0.1/ping" }]`)
    await expect(applyFile(config, { file, dryRun: false })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(
        /is not valid; nothing was applied:\n {2}publishers\[0\]\.id is not an id[^\n]*\n {2}campaigns\[0\]\.tracking_urls\[0\]\.url may not be requested[^\n]*$/,
      ) as string,
    })
    expect(await exportConfiguration(config)).toBe('{}\n')
  })

  it('lets tracking URLs reach private networks that are named', async () => {
    const file = aFile(yaml.replaceAll('crm.example', '127.0.0.1:9999'))
    const allowed = { ...config, allowPrivateTargets: ['127.0.0.0/8'] }
    const lines = await applyFile(allowed, { file, dryRun: false })
    expect(lines.at(-1)).toMatch(/^Applied: /)
    await expect(applyFile(config, { file, dryRun: true })).rejects.toThrow('ALLOW_PRIVATE_TARGETS')
  })

  it.each([
    ['buyers: [', /not YAML or JSON; nothing was applied:\n {2}.* at line 1, column 10/],
    ['a: 1\na: 2', /Map keys must be unique at line 2, column 1/],
    ['a: *b', /alias/],
    ['a: 1\n---\nb: 2', /multiple documents/],
    ['', /document must be a map of names and values|document is empty/],
  ])('refuses %j', async (text, message) => {
    await expect(applyFile(config, { file: aFile(text), dryRun: false })).rejects.toThrow(message)
  })

  it('says what to do about a file that is not there', async () => {
    const file = join(folder, 'nowhere.yaml')
    await expect(applyFile(config, { file, dryRun: false })).rejects.toThrow(
      /cannot be read \(ENOENT\): give the path/,
    )
  })

  it('says what to do about a database that is not there', async () => {
    const away = { ...config, databaseUrl: 'postgresql://nobody@127.0.0.1:1/none' }
    await expect(applyFile(away, { file: aFile(yaml), dryRun: false })).rejects.toMatchObject({
      code: 'database_unreachable',
    })
  })
})

describe('export', () => {
  it('writes a document that changes nothing when it is applied', async () => {
    await applyFile(config, { file: aFile(yaml), dryRun: false })
    const written = await exportConfiguration(config)
    expect(written).toBe(yaml)
    const lines = await applyFile(config, { file: aFile(written), dryRun: false })
    expect(lines).toHaveLength(1)
  })

  it('writes a file that its owner alone can read, over what stood there', async () => {
    await applyFile(config, { file: aFile(yaml), dryRun: false })
    const file = join(folder, 'exported.yaml')
    for (let times = 0; times < 2; times++) {
      await exportToFile(config, file)
      expect(readFileSync(file, 'utf8')).toBe(yaml)
      expect(statSync(file).mode & 0o777).toBe(0o600)
    }
  })

  it('says what to do about a file that cannot be written', async () => {
    await expect(exportToFile(config, join(folder, 'nowhere', 'b.yaml'))).rejects.toThrow(
      /\/nowhere\/b\.yaml cannot be written \(ENOENT\): name another file\.$/,
    )
  })

  it('is put on record, since passwords stand in it', async () => {
    await exportConfiguration(config)
    await applyFile(config, { file: aFile(yaml), dryRun: false })
    const [before] = await listActs(database, { what: 'configuration.read' }, 1)
    await exportConfiguration(config)
    const [act] = await listActs(database, { what: 'configuration.read' }, 1)
    expect(act).toMatchObject({ by: 'cli', who: userInfo().username, source: null })
    expect(act?.auditId).not.toBe(before?.auditId)
  })
})
