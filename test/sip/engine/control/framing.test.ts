import { expect, it } from 'vitest'
import { createFrameReader, frame } from '../../../../src/sip/engine/control/framing.ts'

it('reads several frames of one read', () => {
  expect(createFrameReader().push('3#abc2#de')).toEqual(['abc', 'de'])
})

it('gives the same frames wherever the stream is split', () => {
  const stream = `${frame('first|x')}${frame('second')}${frame('#3#')}`
  for (let at = 0; at <= stream.length; at++)
    for (let next = at; next <= stream.length; next++) {
      const reader = createFrameReader()
      const frames = [stream.slice(0, at), stream.slice(at, next), stream.slice(next)].flatMap(
        (part) => reader.push(part) ?? ['malformed'],
      )
      expect(frames).toEqual(['first|x', 'second', '#3#'])
    }
})

it('counts bytes, not characters', () => {
  expect(frame(Buffer.from('Größe').toString('latin1'))).toMatch(/^7#/)
})

it.each(['#abc', 'x3#abc', '100000#', '000003', '0#', '12a#', '-1#x', ' 3#abc'])(
  'refuses %j, which is no frame',
  (text) => {
    expect(createFrameReader().push(text)).toBeUndefined()
  },
)

it('accepts the longest frame of five digits', () => {
  expect(createFrameReader().push(frame('x'.repeat(99_999)))).toEqual(['x'.repeat(99_999)])
})
