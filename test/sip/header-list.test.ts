import { expect, it } from 'vitest'
import { entryParameters, splitList } from '../../src/sip/header-list.ts'

it.each([
  ['a, b ,c', ['a', 'b', 'c']],
  ['"a, b" <sip:a>, c', ['"a, b" <sip:a>', 'c']],
  ['<sip:a,b@c>;x=1,<sip:d>', ['<sip:a,b@c>;x=1', '<sip:d>']],
  ['"quo\\", te" <sip:a>, b', ['"quo\\", te" <sip:a>', 'b']],
  ['"never closed, b', ['"never closed, b']],
  [' , ', []],
  ['', []],
])('%j splits into %j', (value, entries) => {
  expect(splitList(value)).toEqual(entries)
})

it('reads the parameters of an entry, not those of its URI', () => {
  const parameters = entryParameters('"a;b=1" <sip:a@b;c=2>;Reason=busy ; privacy="off";lr')
  expect(Object.fromEntries(parameters)).toEqual({ reason: 'busy', privacy: 'off' })
})
