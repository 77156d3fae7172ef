import { ask, key } from './api.js'
import { element, field } from './element.js'
import { problem } from './problem.js'

/** What a header can carry: what else is pasted is no key, such as one with typographic quotes around it. */
const POSSIBLE = /^[\x21-\x7e]+$/

/**
 * The form that asks for a key, and tries it.
 *
 * @param {() => void} enter called once a key is accepted
 * @param {string} [reason] why it is asked for
 */
export function signInForm(enter, reason) {
  const input = /** @type {HTMLInputElement} */ (
    element('input', {
      type: 'password',
      name: 'key',
      required: true,
      autocomplete: 'current-password',
      'data-first': true,
    })
  )
  const button = element('button', { type: 'submit' }, 'Sign in')
  const said = element('div', {}, reason !== undefined && problem(reason))
  const submit = async () => {
    button.toggleAttribute('disabled', true)
    said.replaceChildren(element('p', { role: 'status' }, 'Signing in…'))
    const refused = await tryKey(input.value.trim())
    if (refused === undefined) return enter()
    button.toggleAttribute('disabled', false)
    said.replaceChildren(problem(refused))
    input.focus()
    input.select()
  }
  return element(
    'form',
    {
      class: 'sign-in',
      submit: (event) => {
        event.preventDefault()
        void submit()
      },
    },
    element('h1', {}, 'Sign in'),
    said,
    field('API key', input),
    element(
      'p',
      { class: 'hint' },
      'The first one was printed at the first start, or is set as ADMIN_API_KEY; it makes others. Yours is forgotten when this tab is closed.',
    ),
    button,
  )
}

/** Keeps a key that is accepted; otherwise says why not.
 * @param {string} text
 * @returns {Promise<string | undefined>}
 */
export async function tryKey(text) {
  if (!POSSIBLE.test(text)) return 'That is no key: it has no spaces and no special characters.'
  key.set(text)
  const problem = await ask('/calls', { limit: '1' }).then(
    () => undefined,
    (error) => error,
  )
  if (problem === undefined) return undefined
  key.forget()
  return problem.status === 401 ? 'This key is not valid, or was revoked.' : problem.message
}
