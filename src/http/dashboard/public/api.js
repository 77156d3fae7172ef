const KEY = 'bridgeback.key'

/** What the service answered instead of what was asked for. */
export class ApiProblem extends Error {
  /**
   * @param {number} status 0 where there was no answer
   * @param {string} detail one sentence
   */
  constructor(status, detail) {
    super(detail)
    this.status = status
  }
}

/** The key lives as long as the tab does and goes nowhere but into the header of requests. */
export const key = {
  get: () => sessionStorage.getItem(KEY),
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
}

/**
 * @typedef {object} Answer
 * @property {any} body
 * @property {string | undefined} next the query of the next page
 */

/**
 * @typedef {object} Options
 * @property {'GET' | 'POST' | 'DELETE'} [method]
 * @property {object} [body] sent as JSON
 * @property {AbortSignal} [signal] aborted where the answer is no longer wanted
 */

/**
 * Asks the API.
 *
 * @param {string} path below `/api/v1`
 * @param {Record<string, string>} [query] empty values are left out
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 * @throws {ApiProblem}
 */
export async function ask(path, query = {}, options = {}) {
  const response = await send(path, query, options)
  const next = /\?([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
  return { body: await whole(response.json()), next }
}

/**
 * The same for what is saved as a file.
 *
 * @param {string} path
 * @param {Record<string, string>} query
 * @throws {ApiProblem}
 */
export const askForFile = async (path, query) => whole((await send(path, query, {})).blob())

/**
 * The service cuts an answer off where it cannot finish it.
 *
 * @template T
 * @param {Promise<T>} reading
 * @returns {Promise<T>}
 */
const whole = (reading) =>
  reading.catch(() => {
    throw new ApiProblem(0, 'The answer was cut off: try again, or ask for less.')
  })

/**
 * @param {string} path
 * @param {Record<string, string>} query
 * @param {Options} options
 */
async function send(path, query, { body, ...options }) {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const text = given.length > 0 ? `?${new URLSearchParams(given)}` : ''
  const headers = {
    authorization: `Bearer ${key.get() ?? ''}`,
    ...(body && { 'content-type': 'application/json' }),
  }
  const content = body && { body: JSON.stringify(body) }
  const request = { ...options, ...content, headers }
  const response = await fetch(`/api/v1${path}${text}`, request).catch(() => {
    throw new ApiProblem(0, 'The service does not answer.')
  })
  if (!response.ok) throw await readProblem(response)
  return response
}

/** @param {Response} response */
async function readProblem(response) {
  const problem = await response.json().catch(() => ({}))
  const places = (problem.problems ?? []).map(
    (/** @type {{ path: string, message: string }} */ { path, message }) => `${path} ${message}`,
  )
  const detail = problem.detail ?? `The service answered ${response.status}.`
  return new ApiProblem(response.status, [detail, ...places].join(' '))
}
