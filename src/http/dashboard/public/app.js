import { ApiProblem, key } from './api.js'
import { showAudit } from './audit.js'
import { showBuyers } from './buyers.js'
import { showCall } from './call.js'
import { showCalls } from './calls.js'
import { showKeys } from './keys.js'
import { showOverview } from './overview.js'
import { paintPage, repaintPage } from './paint.js'
import { showPostbacks } from './postbacks.js'
import { problemPage } from './problem.js'
import { showReports } from './reports.js'
import { createScreen } from './screen.js'
import { timeZone } from './show.js'
import { signInForm } from './sign-in.js'
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
  buyers: showBuyers,
  reports: showReports,
  postbacks: showPostbacks,
  'tracking-urls': showTrackingUrls,
  keys: showKeys,
  audit: showAudit,
}
/** Which role a page takes that not everybody may see.
 * @type {Readonly<Record<string, string>>}
 */
const ROLES = { keys: 'administrator', audit: 'operator' }
/** The overview is read anew this long after it was painted, while somebody looks at it. */
const REFRESH_MS = 5_000

const page = /** @type {HTMLElement} */ (document.getElementById('page'))
const signOut = /** @type {HTMLElement} */ (document.getElementById('sign-out'))
const waiting = /** @type {HTMLElement} */ (document.getElementById('waiting'))
const zone = /** @type {HTMLElement} */ (document.getElementById('zone'))

let isFirst = true
/** @type {ReturnType<typeof createScreen<readonly HTMLElement[]>>} */
const showOnScreen = createScreen(paint, later, (isWaiting) => {
  page.setAttribute('aria-busy', String(isWaiting))
  waiting.textContent = isWaiting ? 'Loading…' : ''
})

signOut.addEventListener('click', () => {
  key.forget()
  void show()
})
addEventListener('hashchange', () => void show())
zone.textContent = `Times are in the time zone of this browser, ${timeZone(new Date())}; those that end in Z are UTC.`
void show()

function show() {
  const { name, id, query } = readPlace()
  markPlace(name)
  return showOnScreen((signal) => read(name, { id, query, signal }), { isKeptFresh: name === '' })
}

/**
 * @param {readonly HTMLElement[]} parts
 * @param {boolean} isAgain
 */
function paint(parts, isAgain) {
  if (isAgain) repaintPage(page, parts)
  else paintPage(page, parts, { isFirst })
  isFirst = false
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
 * @param {string} name
 * @param {Place} place
 */
async function read(name, place) {
  signOut.hidden = key.get() === null
  if (key.get() === null) return [signInForm(show)]
  try {
    const page = PAGES[name]
    if (!page) throw new ApiProblem(404, '')
    return await page(place)
  } catch (error) {
    if (!(error instanceof ApiProblem)) console.error(error)
    const isRefused = error instanceof ApiProblem && error.status === 401
    const about = { again: show, isKeptFresh: name === '', role: ROLES[name] }
    if (!isRefused) return problemPage(error, about)
    key.forget()
    signOut.hidden = true
    return [signInForm(show, 'This key is not valid any more: it was revoked, or changed.')]
  }
}

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
