import { ask } from './api.js'
import { choice, element, field, hint, pager, table } from './element.js'
import { problem } from './problem.js'
import { badge, longName, time } from './show.js'

const COLUMNS = [
  { head: 'Name' },
  { head: 'Role' },
  { head: 'Made' },
  { head: 'By' },
  { head: 'Last used' },
  { head: 'State' },
  { head: '' },
]
const ROLES = ['viewer', 'operator', 'administrator']

/**
 * The keys of the API, with a form for another one.
 *
 * @param {{ query: Record<string, string>, signal: AbortSignal }} place
 */
export async function showKeys({ query, signal }) {
  const list = element('div')
  const said = element('div', { role: 'status' })
  const read = async () => {
    const { body, next } = await ask('/api-keys', query, { signal })
    list.replaceChildren(...keyList(body, revoke), pager('keys', query, next))
  }
  /** Does something to a key, and shows what came of it and the list anew.
   * @param {() => Promise<readonly HTMLElement[]>} change
   */
  const after = async (change) => {
    const shown = await change().catch((error) => [problem(error.message)])
    said.replaceChildren(...shown)
    await read().catch(() => {})
  }
  /** @param {any} key */
  const revoke = ({ id, name }) => {
    if (!confirm(`Revoke the key “${name}”? Whatever uses it is refused within a second.`)) return
    void after(async () => {
      await ask(`/api-keys/${id}`, {}, { method: 'DELETE' })
      return [element('p', {}, `The key “${name}” is revoked.`)]
    })
  }
  await read()
  return [
    element('h1', {}, 'Keys'),
    hint('Viewers look, operators also send again and test, administrators also change things.'),
    makeForm(after),
    said,
    list,
  ]
}

/**
 * @param {readonly any[]} keys
 * @param {(key: any) => void} revoke
 */
function keyList(keys, revoke) {
  const rows = keys.map((key) => [
    longName(key.name),
    key.role,
    time(key.created_at),
    key.created_by && longName(key.created_by),
    key.id === 'environment' ? 'not kept' : time(key.last_used_at),
    key.revoked_at
      ? element('span', {}, badge('revoked'), ' ', time(key.revoked_at))
      : badge('live'),
    key.id === 'environment' || key.revoked_at
      ? ''
      : element(
          'button',
          { type: 'button', 'aria-label': `Revoke ${key.name}`, click: () => revoke(key) },
          'Revoke',
        ),
  ])
  return [table('Keys of the API', COLUMNS, rows, 'No keys.')]
}

/** @param {(change: () => Promise<readonly HTMLElement[]>) => Promise<void>} after */
function makeForm(after) {
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault()
    const form = /** @type {HTMLFormElement} */ (event.target)
    const body = Object.fromEntries(new FormData(form))
    void after(async () => {
      const made = (await ask('/api-keys', {}, { method: 'POST', body })).body
      form.reset()
      return [
        element('p', {}, `The key of “${made.name}”, shown this once:`),
        element('pre', { class: 'mono' }, made.key),
      ]
    })
  }
  return element(
    'form',
    { class: 'filters', submit },
    field('Name', element('input', { name: 'name', required: true, maxlength: '64' })),
    field('Role', choice('role', ROLES, 'viewer')),
    element('button', { type: 'submit' }, 'Make a key'),
  )
}
