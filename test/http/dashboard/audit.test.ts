import { expect, it } from 'vitest'
import { ACTS } from '../../../src/domain/audit.ts'

it('the page of the record can be asked for every act, and for no other', async () => {
  const page = (await import(
    new URL('../../../src/http/dashboard/public/audit.js', import.meta.url).href
  )) as { readonly ACTS: readonly string[] }
  expect(page.ACTS).toEqual(ACTS)
})
