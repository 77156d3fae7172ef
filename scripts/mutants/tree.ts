import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutant } from '../../test/mutants/mutant.ts'

/** A copy of what is needed to run scenarios and tests; its packages are those of the original. */
export interface Tree {
  readonly folder: string
  /** Runs `work` while the mutant's change is made. @throws Error where it does not fit the source */
  withMutant<T>(
    mutant: Pick<Mutant, 'file' | 'find' | 'replace'>,
    work: () => Promise<T>,
  ): Promise<T>
  remove(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const COPIED = ['bin', 'docs', 'scripts', 'sip-scenarios', 'src', 'test']
const COPIED_FILES = ['package.json', 'tsconfig.json', 'vitest.config.ts']

export async function copyTree(): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgeback-mutants-'))
  for (const name of [...COPIED, ...COPIED_FILES]) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  }
  const removeNow = () => {
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', removeNow)
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    async withMutant({ file, find, replace }, work) {
      const path = join(folder, 'src', file)
      const text = await readFile(path, 'utf8')
      if (text.split(find).length !== 2) throw new Error(`${file} does not hold once: ${find}`)
      // A function, since the text of a replacement could hold a pattern of its own.
      await writeFile(
        path,
        text.replace(find, () => replace),
      )
      try {
        return await work()
      } finally {
        await writeFile(path, text)
      }
    },
    async remove() {
      process.removeListener('exit', removeNow)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
