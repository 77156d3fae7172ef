import { expect, it } from 'vitest'
import {
  parseAddress,
  tagOf,
  withoutTag,
  withTag,
} from '../../../../src/sip/engine/message/address.ts'

it.each([
  {
    value: '"Alice \\"A\\" <x>" <sip:a@b;lr>;tag=1;x="y;z"',
    expected: { display: '"Alice \\"A\\" <x>"', uri: 'sip:a@b;lr', parameters: ';tag=1;x="y;z"' },
  },
  { value: 'Alice B <sip:a@b>', expected: { display: 'Alice B', uri: 'sip:a@b', parameters: '' } },
  { value: 'sip:a@b;tag=1', expected: { display: '', uri: 'sip:a@b', parameters: ';tag=1' } },
  {
    value: '<sip:a@b>;x="y;;z";tag=1',
    expected: { display: '', uri: 'sip:a@b', parameters: ';x="y;;z";tag=1' },
  },
  { value: ' <tel:+1555> ', expected: { display: '', uri: 'tel:+1555', parameters: '' } },
  {
    value: '"caf\xc3\xa9"<sip:a@b>',
    expected: { display: '"caf\xc3\xa9"', uri: 'sip:a@b', parameters: '' },
  },
])('reads $value', ({ expected, value }) => {
  expect(parseAddress(value)).toEqual(expected)
})

it.each([
  '',
  '<>',
  'sip:',
  '"open <sip:a@b>',
  '"a" b <sip:a@b>',
  'a, b <sip:a@b>',
  '<sip:a@b',
  '<sip:a b>',
  '<sip:a@b> junk',
  '<sip:a@b>;;',
  '<sip:a@b>;x="y;;z"; ;tag=1',
  'sip:a@b?Route=x',
  'sip:a@b,sip:c@d',
  'caf\xc3\xa9 <sip:a@b>',
])('refuses %j', (value) => {
  expect(parseAddress(value)).toBeUndefined()
})

it('finds a tag among parameters, whatever its case', () => {
  expect(tagOf('<sip:a@b;tag=uri>;x=1; TAG = t2 ;y')).toBe('t2')
  expect(tagOf('<sip:a@b;tag=uri>')).toBeUndefined()
})

it.each([
  { value: 'sip:a@b;tag=x', expected: '<sip:a@b>' },
  { value: '"A" <sip:a@b>;tag=x;y=z', expected: '"A" <sip:a@b>;y=z' },
  { value: '<sip:a@b>', expected: '<sip:a@b>' },
])('takes the tag off $value', ({ expected, value }) => {
  expect(withoutTag(value)).toBe(expected)
})

it.each([
  { value: '<sip:a@b>', expected: '<sip:a@b>;tag=x' },
  { value: 'A <sip:a@b>;y=z; ', expected: 'A <sip:a@b>;y=z;tag=x' },
  { value: '<sip:a@b>;', expected: '<sip:a@b>;tag=x' },
])('adds a tag to $value that can be read', ({ expected, value }) => {
  expect(withTag(value, 'x')).toBe(expected)
  expect(tagOf(expected)).toBe('x')
})
