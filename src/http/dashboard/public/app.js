import { ApiProblem, ask, key } from './api.js'
import { showCall } from './call.js'
import { showCalls } from './calls.js'
import { element, field } from './element.js'
import { showOverview } from './overview.js'
import { showPostbacks } from './postbacks.js'
import { showReports } from './reports.js'
import { showTrackingUrls } from './tracking-urls.js'

/**
 * @typedef {object} Place where the reader is: `#/calls/{id}?query`
 * @property {string} id
 * @property {Record<string, string>} query
 */

/** @typedef {(place: Place) => Promise<readonly HTMLElement[]>} Page */

/** @type {Readonly<Record<string, Page>>} */
const PAGES = {
  '': showOverview,
  calls: ({ id, query }) => (id === '' ? showCalls(query) : showCall(id)),
  reports: ({ query }) => showReports(query),
  postbacks: ({ query }) => showPostbacks(query),
  'tracking-urls': showTrackingUrls,
}
/** The overview is read anew this often while somebody looks at it. */
const REFRESH_MS = 5_000

const page = /** @type {HTMLElement} */ (document.getElementById('page'))
const signOut = /** @type {HTMLElement} */ (document.getElementById('sign-out'))

/** Counts the times that something was asked for, so that a slow answer never covers a later one. */
let shown = 0

signOut.addEventListener('click', () => {
  key.forget()
  void show()
})
addEventListener('hashchange', () => void show())
setInterval(() => {
  if (document.visibilityState === 'visible' && key.get() && readPlace().name === '') void show()
}, REFRESH_MS)
void show()

async function show() {
  const turn = ++shown
  const { name, place } = readPlace()
  markPlace(name)
  signOut.hidden = key.get() === null
  if (key.get() === null) return page.replaceChildren(signIn())
  const parts = await read(PAGES[name], place)
  if (turn === shown) page.replaceChildren(...parts)
}

/**
 * @param {Page | undefined} read
 * @param {Place} place
 */
async function read(read, place) {
  if (!read) return [element('p', { class: 'problem' }, 'There is no such page.')]
  try {
    return await read(place)
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    if (error.status !== 401)
      return [element('p', { class: 'problem', role: 'alert' }, error.message)]
    key.forget()
    return [signIn('The key is not valid.')]
  }
}

function readPlace() {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', id = ''] = path.split('/')
  return { name, place: { id, query: Object.fromEntries(new URLSearchParams(search)) } }
}

/** @param {string} name */
function markPlace(name) {
  for (const link of document.querySelectorAll('nav a')) {
    const isHere = link.getAttribute('href') === `#/${name}`
    if (isHere) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
}

/** @param {string} [problem] */
function signIn(problem) {
  const input = element('input', {
    type: 'password',
    name: 'key',
    required: true,
    autocomplete: 'current-password',
  })
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault()
    key.set(/** @type {HTMLInputElement} */ (input).value.trim())
    const refused = await ask('/tracking-urls').then(
      () => undefined,
      (error) => error.message,
    )
    if (refused === undefined) return show()
    key.forget()
    return page.replaceChildren(signIn(refused))
  }
  return element(
    'form',
    { class: 'sign-in', submit: (event) => void submit(event) },
    element('h1', {}, 'Sign in'),
    problem && element('p', { class: 'problem', role: 'alert' }, problem),
    field('Administrator’s API key', input),
    element(
      'p',
      { class: 'hint' },
      'It was printed at the first start, or is set as ADMIN_API_KEY. It is forgotten when this tab is closed.',
    ),
    element('button', { type: 'submit' }, 'Sign in'),
  )
}
