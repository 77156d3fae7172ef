import { ApiProblem } from './api.js'
import { element } from './element.js'

/** A sentence about what went wrong, told at once to those who do not see it.
 * @param {string} text
 */
export const problem = (text) => element('p', { class: 'problem', role: 'alert' }, text)

/**
 * What an answer shows; where it is the question that was wrong, what to change about it, so that the form it was
 * asked with stays.
 *
 * @template Answer
 * @param {Promise<Answer>} asked
 * @param {(answer: Answer) => readonly HTMLElement[]} show
 * @returns {Promise<readonly HTMLElement[]>}
 */
export async function orWhatIsWrong(asked, show) {
  try {
    return show(await asked)
  } catch (error) {
    const isQuestion = error instanceof ApiProblem && [400, 422].includes(error.status)
    if (isQuestion) return [problem(error.message)]
    throw error
  }
}

/**
 * What stands in the place of a page that cannot be shown, with a way on.
 *
 * @param {unknown} error
 * @param {{ again: () => void, isKeptFresh: boolean, role: string | undefined }} page how it is asked for anew,
 * whether that happens by itself, and which role it takes
 * @returns {readonly HTMLElement[]}
 */
export function problemPage(error, { again, isKeptFresh, role }) {
  const [head, text] = sayProblem(error, role)
  const isLasting = error instanceof ApiProblem && [403, 404].includes(error.status)
  return [
    element('h1', {}, head),
    problem(text),
    element(
      'p',
      { class: 'pager' },
      !isLasting && element('button', { type: 'button', click: again }, 'Try again'),
      !isLasting && isKeptFresh && element('span', {}, 'It is tried again every few seconds.'),
      element('a', { href: '#/' }, 'Overview'),
      element('a', { href: '#/calls' }, 'Calls'),
    ),
  ]
}

/**
 * @param {unknown} error
 * @param {string | undefined} role
 * @returns {readonly [head: string, text: string]}
 */
function sayProblem(error, role = 'operator') {
  if (!(error instanceof ApiProblem)) {
    return ['Not shown', 'This page cannot be shown: please report it.']
  }
  if (error.status === 403) {
    return ['Not allowed', `This page takes the key of an ${role}, and yours is of a lower role.`]
  }
  if (error.status === 404) return ['Not found', 'There is no such page or call here.']
  const isAway = error.status === 0 || error.status >= 500
  return [isAway ? 'No answer' : 'Not shown', error.message]
}
