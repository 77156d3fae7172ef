import { describe, expect, it } from 'vitest'
import { answerWith, FakeElement, load, markupOf, openFakePage } from './support/fake-page.ts'

type ProblemPage = (
  error: unknown,
  page: { again: () => void; isKeptFresh: boolean; role: string | undefined },
) => readonly FakeElement[]

const fakePage = openFakePage()
const { table } = (await load('element.js')) as {
  readonly table: (
    caption: string,
    columns: readonly object[],
    rows: readonly (readonly unknown[])[],
    nothing: string,
  ) => FakeElement
}
const { ApiProblem } = (await load('api.js')) as {
  readonly ApiProblem: new (status: number, detail: string) => Error
}
const { problemPage } = (await load('problem.js')) as { readonly problemPage: ProblemPage }
const { paintPage, repaintPage } = (await load('paint.js')) as {
  readonly paintPage: (
    page: FakeElement,
    parts: readonly FakeElement[],
    options: { isFirst: boolean },
  ) => void
  readonly repaintPage: (page: FakeElement, parts: readonly FakeElement[]) => void
}
const { tryKey } = (await load('sign-in.js')) as {
  readonly tryKey: (text: string) => Promise<string | undefined>
}
const { key } = (await load('api.js')) as { readonly key: { readonly get: () => string | null } }

/** An element with a text or a link in it. */
function part(tag: string, text: string, href?: string): FakeElement {
  const made = new FakeElement(tag)
  const inside = new FakeElement(href === undefined ? 'span' : 'a')
  if (href !== undefined) inside.setAttribute('href', href)
  inside.append(text)
  made.append(inside)
  return made
}

it('a table has a caption and heads for those who hear it, and heads in its cells for narrow screens', () => {
  const made = table('Calls', [{ head: 'Began' }, { head: '' }], [['12:00', null]], 'None.')
  expect(made.querySelector('caption')?.textContent).toBe('Calls')
  expect(made.querySelectorAll('th').map(({ textContent }) => textContent)).toEqual([
    'Began',
    'Actions',
  ])
  expect(made.querySelectorAll('th').map((head) => head.getAttribute('scope'))).toEqual([
    'col',
    'col',
  ])
  expect(made.querySelectorAll('td').map((cell) => cell.getAttribute('data-head'))).toEqual([
    'Began',
    '',
  ])
  expect(made.querySelectorAll('td').map(({ textContent }) => textContent)).toEqual(['12:00', '–'])
})

describe('the page in the place of one that cannot be shown', () => {
  const page = { again: () => {}, isKeptFresh: false, role: undefined }

  it.each([
    ['no answer', new ApiProblem(0, 'The service does not answer.'), page, 'does not answer', true],
    ['an unavailable database', new ApiProblem(503, 'The database is away.'), page, 'away', true],
    [
      'a role',
      new ApiProblem(403, 'x'),
      { ...page, role: 'operator' },
      'the key of an operator',
      false,
    ],
    ['nothing there', new ApiProblem(404, 'x'), page, 'no such page or call', false],
    ['a mistake of ours', new TypeError('x'), page, 'please report it', true],
  ] as const)('says what is wrong and leads on: %s', (_name, error, about, text, isTried) => {
    const shown = problemPage(error, about)
    const texts = shown.map(({ textContent }) => textContent).join(' ')
    expect(texts).toContain(text)
    expect(shown.flatMap((each) => each.querySelectorAll('button')).length).toBe(isTried ? 1 : 0)
    expect(shown.flatMap((each) => each.querySelectorAll('a')).length).toBe(2)
  })
})

describe('painting a page', () => {
  it('puts the reader at its head, and its name above the window', () => {
    const page = new FakeElement('main')
    paintPage(page, [part('h1', 'Calls'), part('p', 'none')], { isFirst: false })
    expect(fakePage.title).toBe('Calls · Bridgeback')
    expect(fakePage.activeElement?.tag).toBe('h1')
  })

  it('puts the reader into the field that comes first, where a page says so', () => {
    const page = new FakeElement('main')
    const field = new FakeElement('input')
    field.setAttribute('data-first', 'true')
    paintPage(page, [part('h1', 'Sign in'), field], { isFirst: true })
    expect(fakePage.activeElement).toBe(field)
  })

  it('leaves what has not changed as it is when the page is read anew', () => {
    const page = new FakeElement('main')
    const [head, calls] = [part('h1', 'Overview'), part('section', 'two')]
    paintPage(page, [head, part('p', 'one'), calls], { isFirst: true })
    repaintPage(page, [part('h1', 'Overview'), part('p', 'another'), part('section', 'two')])
    expect(page.children[0]).toBe(head)
    expect(page.children[1]?.textContent).toBe('another')
    expect(page.children[2]).toBe(calls)
  })

  it('keeps the keyboard on the same link when what holds it is painted anew', () => {
    const page = new FakeElement('main')
    paintPage(page, [part('h1', 'Overview'), part('p', 'old', '#/calls/1')], { isFirst: true })
    page.querySelector('a')?.focus()
    repaintPage(page, [part('h1', 'Overview'), part('p', 'new', '#/calls/1')])
    expect(fakePage.activeElement && markupOf(fakePage.activeElement)).toBe(
      '<a href="#/calls/1">new</a>',
    )
    expect(page.contains(fakePage.activeElement)).toBe(true)
  })

  it('leaves the keyboard alone where it is not inside the page', () => {
    const page = new FakeElement('main')
    const elsewhere = part('nav', 'Calls', '#/calls').querySelector('a')
    elsewhere?.focus()
    repaintPage(page, [part('p', 'Calls', '#/calls')])
    expect(fakePage.activeElement).toBe(elsewhere)
  })
})

describe('signing in', () => {
  it('asks nobody about what cannot be a key', async () => {
    const asked = answerWith({})
    expect(await tryKey('“bb_key”')).toMatch(/^That is no key/)
    expect(asked).toEqual([])
  })

  it.each([
    [401, 'Send a valid key', 'This key is not valid, or was revoked.'],
    [503, 'The database is away; try again later.', 'The database is away; try again later.'],
  ])('does not keep a key that was answered with %d', async (status, detail, said) => {
    answerWith({ '/calls': { status, body: { detail } } })
    expect(await tryKey('bb_key')).toBe(said)
    expect(key.get()).toBeNull()
  })

  it('keeps a key that works', async () => {
    answerWith({ '/calls': { body: [] } })
    expect(await tryKey('bb_key')).toBeUndefined()
    expect(key.get()).toBe('bb_key')
  })
})
