import { readdir, readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'

const folder = new URL('../../sip-scenarios/', import.meta.url)

/** Digits as keys, tags of phones and UUIDs have them: enough that any five stand there. */
const digits = Array.from({ length: 200_000 }, (_, index) =>
  createHash('md5').update(String(index)).digest('hex'),
).join('-')

async function forbidden(): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.xml'))
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))
  return texts.flatMap((text) =>
    [...text.matchAll(/regexp="([^"]+)"[^>]*check_it_inverse/g)].map(
      ([, pattern]) => pattern ?? '',
    ),
  )
}

it('forbids nothing that a random key could spell', async () => {
  const patterns = [...new Set(await forbidden())]
  expect(patterns.length).toBeGreaterThan(5)
  expect(patterns.filter((pattern) => new RegExp(pattern).test(digits))).toEqual([])
})
