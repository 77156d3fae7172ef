import { describe, expect, it } from 'vitest'
import { readPages } from '../../src/db/pages.ts'

/** Numbers from 1 to `count`, three at a time; `asked` tells after which row a page was asked for. */
function threeAtATime(count: number) {
  const asked: (number | undefined)[] = []
  const read = async (last: number | undefined) => {
    asked.push(last)
    const from = (last ?? 0) + 1
    return Array.from({ length: Math.min(3, count - from + 1) }, (_, index) => from + index)
  }
  return { asked, read }
}

async function collect<Row>(pages: AsyncIterable<readonly Row[]>): Promise<(readonly Row[])[]> {
  const collected: (readonly Row[])[] = []
  for await (const page of pages) collected.push(page)
  return collected
}

describe('readPages', () => {
  it.each([
    { count: 0, pages: [] },
    { count: 2, pages: [[1, 2]] },
    {
      count: 6,
      pages: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
  ])('gives $count rows in their order', async ({ count, pages }) => {
    expect(await collect(readPages(threeAtATime(count).read))).toEqual(pages)
  })

  it('asks for one page ahead and no more', async () => {
    const { asked, read } = threeAtATime(9)
    const pages = readPages(read)
    expect((await pages.next()).value).toEqual([1, 2, 3])
    expect(asked).toEqual([undefined, 3])
    await pages.return(undefined)
    expect(asked).toEqual([undefined, 3])
  })

  it('fails where a page fails, and in silence where nobody wants it any more', async () => {
    const read = async (last: number | undefined) => {
      if (last !== undefined) throw new Error('the database is gone')
      return [1]
    }
    const stopped = readPages(read)
    await stopped.next()
    await stopped.return(undefined)
    await expect(collect(readPages(read))).rejects.toThrow('the database is gone')
  })
})
