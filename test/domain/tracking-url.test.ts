import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TokenValues } from '../../src/domain/tokens.ts'
import {
  expandUrl,
  insertCallKey,
  matchesFilters,
  parseUrlTemplate,
  selectTrackingUrls,
  type TrackingUrl,
  type UrlTemplate,
} from '../../src/domain/tracking-url.ts'

function templateOf(source: string): UrlTemplate {
  const parsed = parseUrlTemplate(source)
  if (parsed.kind === 'malformed') throw new Error(`${source}: ${parsed.problem}`)
  return parsed.template
}

const expand = (source: string, values: TokenValues) => expandUrl(templateOf(source), values).text

describe('expandUrl (B3)', () => {
  it.each<[string, TokenValues, string]>([
    ['https://h/p?from=[n]', { n: '+12125550100' }, 'https://h/p?from=%2B12125550100'],
    ['https://h/[x]/y', { x: 'a/b' }, 'https://h/a%2Fb/y'],
    ['https://h/?a=[x]', { x: '1&b=2#c' }, 'https://h/?a=1%26b%3D2%23c'],
    ['https://h/?a=[x]', { x: '\r\nHost: evil' }, 'https://h/?a=%0D%0AHost%3A%20evil'],
    ['https://h/?a=[x]', { x: "!'()*~-_." }, 'https://h/?a=%21%27%28%29%2A~-_.'],
    ['https://h/?a=[x]', { x: 'é 😀' }, 'https://h/?a=%C3%A9%20%F0%9F%98%80'],
    ['https://h/?a=[x]', { x: 'half \ud83d' }, 'https://h/?a=half%20%EF%BF%BD'],
    ['https://h/?a=[x]', { x: '[y]', y: '1' }, 'https://h/?a=%5By%5D'],
    ['https://h/?a=[x]{n/a}', {}, 'https://h/?a=n%2Fa'],
    ['https://h/a/[x]/b', { x: '..' }, 'https://h/a//b'],
    ['https://h/a/[x]/b', { x: '.' }, 'https://h/a//b'],
    ['https://h/a/[x]/b', { x: '...' }, 'https://h/a/.../b'],
    ['https://h/a/[x]', { x: '..' }, 'https://h/a/'],
    ['https://h/a/.[x]/b', { x: '.' }, 'https://h/a//b'],
    ['https://h/a/.[x]/b', { x: '' }, 'https://h/a//b'],
    ['https://h/a/..[x]/b', {}, 'https://h/a//b'],
    ['https://h/a/.[x]./b', {}, 'https://h/a//b'],
    ['https://h/a/[x][y]/b', { x: '.', y: '.' }, 'https://h/a//b'],
    ['https://h/a/[x]{..}/b', {}, 'https://h/a//b'],
    ['https://h/a/%2E[x]/b', { x: '.' }, 'https://h/a//b'],
    ['https://h/a/%[x]e/b', { x: '2' }, 'https://h/a//b'],
    ['https://h/a/%2[x].?', { x: 'E' }, 'https://h/a/?'],
    ['https://h/a\\.[x]\\b', { x: '.' }, 'https://h/a\\\\b'],
    ['https://h/a/[x]/b', { x: '%2e' }, 'https://h/a/%252e/b'],
    ['https://h/a/.[x]/b', { x: 'well-known' }, 'https://h/a/.well-known/b'],
    ['https://h/a/[x].[y]/b', { x: '1', y: '.' }, 'https://h/a/1../b'],
    ['https://h/a/../[x]/./b', { x: '.' }, 'https://h/a/..//./b'],
    ['https://h/a?v=[x]&p=/[y]/#/[x]/', { x: '.', y: '..' }, 'https://h/a?v=.&p=/../#/./'],
    ['https://h?a=[x]', { x: '1' }, 'https://h/?a=1'],
    ['https://h', {}, 'https://h/'],
    ['HTTPS://H:443/P?A=1', {}, 'https://h/P?A=1'],
    ['http://[2001:db8::1]:8080/?a=[x]', { x: '1' }, 'http://[2001:db8::1]:8080/?a=1'],
  ])('makes of %j with %j %j', (source, values, expected) => {
    expect(expand(source, values)).toBe(expected)
  })

  it('names what had neither value nor default', () => {
    expect(expandUrl(templateOf('https://h/?a=[x]&b=[y]{z}&c=[call_key]'), {}).missing).toEqual([
      'x',
    ])
  })

  it('fills in the default of the key where there is none, and a tag of that name never (B3, B7)', () => {
    const template = templateOf('https://h/?a=[call_key]&b=[call_key]{n/a}')
    expect(expandUrl(template, { call_key: 'a tag' }, { isKeyless: true })).toEqual({
      text: 'https://h/?a=&b=n%2Fa',
      missing: ['call_key'],
    })
  })

  it('never gives a value another host, path segment, parameter or fragment', () => {
    const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))
    const value = fc.oneof(
      fc.string({ unit: anyUnit }),
      fc.string({
        unit: fc.constantFrom('.', '/', '\\', '?', '#', '&', '=', '%', '2', 'e', '@', ':'),
      }),
    )
    const source = 'https://h.example:8443/a/[x]/b?first=[x]&second=[y]{-}'
    fc.assert(
      fc.property(value, value, (x, y) => {
        const text = expand(source, { x, y })
        const url = new URL(text)
        expect(url.href).toBe(text)
        expect(url.origin).toBe('https://h.example:8443')
        expect(url.hash + url.username + url.password).toBe('')
        expect(url.pathname.split('/')).toHaveLength(4)
        expect(url.pathname).toMatch(/^\/a\/.*\/b$/)
        expect([...url.searchParams.keys()]).toEqual(['first', 'second'])
      }),
    )
  })

  it('leaves the path as deep as it was written, and its fixed segments where they were (RFC 3986 §5.2.4)', () => {
    const dots = ['.', '%2e', '%2E', '%', '2', 'e', '.x']
    const written = fc.array(fc.constantFrom('[x]', '[y]{.}', ...dots), { maxLength: 4 })
    const path = fc
      .array(fc.tuple(fc.constantFrom('/', '/', '\\'), written), { minLength: 1, maxLength: 6 })
      .map((segments) => segments.map(([slash, parts]) => slash + parts.join('')).join(''))
    const value = fc
      .array(fc.constantFrom(...dots), { maxLength: 3 })
      .map((parts) => parts.join(''))
    const segmentsOf = (url: string) => new URL(url).pathname.split('/')
    fc.assert(
      fc.property(path, value, value, (path, x, y) => {
        const source = `https://h/fixed${path}/end?q=[x]`
        const plain = segmentsOf(expand(source, { x: 'VALUE', y: 'VALUE' }))
        const isFixed = (_: string, index: number) => !plain[index]?.includes('VALUE')
        const segments = segmentsOf(expand(source, { x, y }))
        expect(segments).toHaveLength(plain.length)
        expect(segments.filter(isFixed)).toEqual(plain.filter(isFixed))
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives the receiver the value that was meant', () => {
    const unit = fc.constantFrom('a', 'é', '😀', '.', '+', ' ', '%', '&', '=', '[', '\0', '\n')
    fc.assert(
      fc.property(fc.string({ unit }), (x) => {
        const received = new URL(expand('https://h/?v=[x]', { x })).searchParams.get('v')
        expect(received).toBe(x)
      }),
    )
  })
})

describe('insertCallKey (B7)', () => {
  it('puts the key where the template asks for it, and nowhere else', () => {
    const source = 'https://h/[call_key]?key=[call_key]&tag=[x]&other=[y]{[call_key]}'
    const stored = expand(source, { x: '[call_key]', call_key: 'a tag of that name' })
    expect(stored).toBe(
      'https://h/[call_key]?key=[call_key]&tag=%5Bcall_key%5D&other=%5Bcall_key%5D',
    )
    expect(insertCallKey(stored, 'abc123')).toBe(
      'https://h/abc123?key=abc123&tag=%5Bcall_key%5D&other=%5Bcall_key%5D',
    )
  })
})

describe('parseUrlTemplate (B3)', () => {
  it.each([
    ['', 'must begin with http:// or https:// and a host'],
    ['crm.example/ping', 'must begin with http:// or https:// and a host'],
    ['ftp://h/', 'must begin with http:// or https:// and a host'],
    ['file:///etc/passwd', 'must begin with http:// or https:// and a host'],
    ['javascript:alert(1)', 'must begin with http:// or https:// and a host'],
    ['https:///path', 'must begin with http:// or https:// and a host'],
    ['https://?a=b', 'must begin with http:// or https:// and a host'],
    ['[scheme]://h/', 'must begin with http:// or https:// and a host'],
    ['https://user@h/', 'must not hold a user name or password'],
    ['https://user:password@h/', 'must not hold a user name or password'],
    ['https://[x]/', 'tokens may not stand in the host or port'],
    ['https://[x].example/', 'tokens may not stand in the host or port'],
    ['https://h[x]/', 'tokens may not stand in the host or port'],
    ['https://h:[port]/', 'tokens may not stand in the host or port'],
    ['https://h[x]', 'tokens may not stand in the host or port'],
    ['https://h:99999/', 'the host or port is not valid'],
    ['https://[::zz]/', 'tokens may not stand in the host or port'],
    ['https://h/a b', 'holds a space or a control character'],
    ['https://h/\r\nX: 1', 'holds a space or a control character'],
    ['https://h/\0', 'holds a space or a control character'],
    ['https://h/?a=[', 'a bracket that is no token at position 14'],
    ['https://h/?a=[no token]', 'holds a space or a control character'],
    ['https://h/?a=[_x]', 'unknown token [_x] at position 14'],
    [`https://h/${'a'.repeat(1_991)}`, 'longer than 2000 characters'],
  ])('refuses %j: %s', (source, problem) => {
    expect(parseUrlTemplate(source)).toEqual({ kind: 'malformed', problem })
  })

  it('keeps what was configured beside the parts that it fixed', () => {
    expect(templateOf('HTTP://Crm.Example:80/Ping?id=[call_uuid]')).toEqual({
      source: 'HTTP://Crm.Example:80/Ping?id=[call_uuid]',
      origin: 'http://crm.example',
      host: 'crm.example',
      rest: [
        { kind: 'text', text: '/Ping?id=' },
        { kind: 'token', name: 'call_uuid', fallback: '' },
      ],
    })
  })

  it('fixes the host, wherever the tokens stand: no value moves it or adds a parameter or fragment', () => {
    const specials = ['/', '?', '#', '&', '=', '.', '%', '2', 'e', '\\', '@', ':', 'x']
    const token = fc.constantFrom('[h]', '[h]{d}')
    const part = fc.oneof(token, fc.constantFrom(...specials))
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom(...specials) }),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('/', '?', '#', '\\'),
        fc.array(part, { maxLength: 12 }),
        token,
        value,
        (first, parts, last, h) => {
          const source = `https://a.example${first}${parts.join('')}${last}`
          const parsed = parseUrlTemplate(source)
          fc.pre(parsed.kind === 'url')
          const url = new URL(expandUrl(parsed.template, { h }).text)
          const plain = new URL(expandUrl(parsed.template, { h: 'v' }).text)
          expect(url.host + url.username + url.password).toBe('a.example')
          expect(url.searchParams.size).toBeLessThanOrEqual(plain.searchParams.size)
          expect(url.hash === '' || plain.hash !== '').toBe(true)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('matchesFilters', () => {
  const call = { publisherId: 'acme', buyerId: 'solar', tags: { geo: 'us' } }

  it.each([
    [{}, true],
    [{ publisherId: 'acme' }, true],
    [{ publisherId: 'other' }, false],
    [{ buyerId: 'solar' }, true],
    [{ buyerId: 'other' }, false],
    [{ tags: { geo: 'us' } }, true],
    [{ tags: { geo: 'de' } }, false],
    [{ tags: { geo: 'us', sub: '1' } }, false],
    [{ tags: { constructor: 'us' } }, false],
    [{ publisherId: 'acme', buyerId: 'solar', tags: { geo: 'us' } }, true],
    [{ publisherId: 'acme', buyerId: 'other', tags: { geo: 'us' } }, false],
  ])('%j: %s', (filters, expected) => {
    expect(matchesFilters(filters, call)).toBe(expected)
  })

  it('lets no filter on a buyer pass before one is chosen', () => {
    expect(matchesFilters({ buyerId: 'solar' }, { ...call, buyerId: undefined })).toBe(false)
    expect(matchesFilters({}, { ...call, buyerId: undefined })).toBe(true)
  })
})

describe('selectTrackingUrls (B14)', () => {
  const url = (trackingUrlId: string, overrides: Partial<TrackingUrl> = {}): TrackingUrl => ({
    trackingUrlId,
    trigger: 'finished',
    method: 'GET',
    template: templateOf('https://h/'),
    filters: {},
    fireOrder: 1,
    getAfterHeadRefused: true,
    ...overrides,
  })

  it('takes those of the trigger that pass their filters, by fire order and then by place', () => {
    const urls = [
      url('last', { fireOrder: 9 }),
      url('second'),
      url('other-trigger', { trigger: 'converted', fireOrder: 0 }),
      url('other-buyer', { filters: { buyerId: 'other' }, fireOrder: 0 }),
      url('third'),
      url('first', { fireOrder: 0 }),
    ]
    const call = { publisherId: 'acme', buyerId: 'solar', tags: {} }
    const selected = selectTrackingUrls(urls, 'finished', call)
    expect(selected.map(({ trackingUrlId }) => trackingUrlId)).toEqual([
      'first',
      'second',
      'third',
      'last',
    ])
  })
})
