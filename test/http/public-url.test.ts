import { expect, it } from 'vitest'
import { originOf, publicUrlOf } from '../../src/http/public-url.ts'

it.each([
  ['127.0.0.1', 'http://127.0.0.1:8080'],
  ['calls.example', 'http://calls.example:8080'],
  ['::1', 'http://[::1]:8080'],
  ['0.0.0.0', 'http://localhost:8080'],
  ['::', 'http://localhost:8080'],
])('%s is reached at %s from this machine', (host, expected) => {
  expect(originOf({ host, port: 8_080 })).toBe(expected)
})

it.each([
  [undefined, '127.0.0.1', 8_080, 'http://127.0.0.1:8080'],
  [undefined, '::1', 8_080, 'http://[::1]:8080'],
  ['https://calls.example', '127.0.0.1', 8_080, 'https://calls.example'],
  ['https://calls.example', '0.0.0.0', 0, 'https://calls.example'],
  [undefined, '0.0.0.0', 8_080, undefined],
  [undefined, '::', 8_080, undefined],
  [undefined, '127.0.0.1', 0, undefined],
])(
  'with PUBLIC_URL %s, HTTP_HOST %s and HTTP_PORT %i buyers get %s',
  (publicUrl, host, port, expected) => {
    expect(publicUrlOf(publicUrl, { host, port })).toBe(expected)
  },
)
