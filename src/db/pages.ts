/**
 * A long list, page by page, each asked for while the one before is being worked on: two are in memory at
 * most. Ends at the first empty page.
 * @param read gives the page after this row; the first if there is none
 */
export async function* readPages<Row>(
  read: (last: Row | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  let next = read(undefined)
  for (;;) {
    const page = await next
    const last = page.at(-1)
    if (last === undefined) return
    next = read(last)
    // Whoever stops early does not wait for it; whoever goes on is told of its failure.
    next.catch(() => {})
    yield page
  }
}
