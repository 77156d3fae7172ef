import { ApiProblem, ask, key } from './api.js'
import { showAudit } from './audit.js'
import { showCall } from './call.js'
import { showCalls } from './calls.js'
import { element, field } from './element.js'
import { showKeys } from './keys.js'
import { showOverview } from './overview.js'
import { showPostbacks } from './postbacks.js'
import { showReports } from './reports.js'
import { createScreen } from './screen.js'
import { showTrackingUrls } from './tracking-urls.js'

/**
 * @typedef {object} Place where the reader is: `#/calls/{id}?query`
 * @property {string} id
 * @property {Record<string, string>} query
 * @property {AbortSignal} signal aborted once the reader goes on
 */

/** @typedef {(place: Place) => Promise<readonly HTMLElement[]>} Page */

/** @type {Readonly<Record<string, Page>>} */
const PAGES = {
  '': showOverview,
  calls: (place) => (place.id === '' ? showCalls(place) : showCall(place)),
  reports: showReports,
  postbacks: showPostbacks,
  'tracking-urls': showTrackingUrls,
  keys: showKeys,
  audit: showAudit,
}
/** The overview is read anew this long after it was painted, while somebody looks at it. */
const REFRESH_MS = 5_000

const page = /** @type {HTMLElement} */ (document.getElementById('page'))
const signOut = /** @type {HTMLElement} */ (document.getElementById('sign-out'))

/** @type {ReturnType<typeof createScreen<readonly HTMLElement[]>>} */
const showOnScreen = createScreen((parts) => page.replaceChildren(...parts), later)

signOut.addEventListener('click', () => {
  key.forget()
  void show()
})
addEventListener('hashchange', () => void show())
void show()

function show() {
  const { name, id, query } = readPlace()
  markPlace(name)
  return showOnScreen((signal) => read(PAGES[name], { id, query, signal }), {
    isKeptFresh: name === '',
  })
}

/** @param {() => void} again */
function later(again) {
  setTimeout(() => {
    const isSeen = document.visibilityState === 'visible' && key.get() !== null
    if (isSeen) again()
    else later(again)
  }, REFRESH_MS)
}

/**
 * @param {Page | undefined} read
 * @param {Place} place
 */
async function read(read, place) {
  signOut.hidden = key.get() === null
  if (key.get() === null) return [signIn()]
  if (!read) return [element('p', { class: 'problem' }, 'There is no such page.')]
  try {
    return await read(place)
  } catch (error) {
    if (!(error instanceof ApiProblem)) console.error(error)
    const isRefused = error instanceof ApiProblem && [401, 429].includes(error.status)
    if (!isRefused) return [element('p', { class: 'problem', role: 'alert' }, sayProblem(error))]
    key.forget()
    signOut.hidden = true
    return [signIn('The key is not valid.')]
  }
}

/** @param {unknown} error */
const sayProblem = (error) =>
  error instanceof ApiProblem ? error.message : 'This page cannot be shown: please report it.'

function readPlace() {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', id = ''] = path.split('/')
  return { name, id, query: Object.fromEntries(new URLSearchParams(search)) }
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
    field('API key', input),
    element(
      'p',
      { class: 'hint' },
      'The first one was printed at the first start, or is set as ADMIN_API_KEY; it makes others. Yours is forgotten when this tab is closed.',
    ),
    element('button', { type: 'submit' }, 'Sign in'),
  )
}
