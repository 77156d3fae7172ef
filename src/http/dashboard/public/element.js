/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Text is set as text and never parsed as HTML, so nothing that a caller, a buyer
 * or a receiver sends can become markup.
 *
 * @param {string} tag
 * @param {Record<string, string | boolean | ((event: Event) => void)>} [attributes] functions are listeners
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value)
    else if (typeof value === 'boolean') made.toggleAttribute(name, value)
    else made.setAttribute(name, value)
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue
    made.append(typeof child === 'number' ? String(child) : child)
  }
  return made
}

/**
 * @typedef {object} Column
 * @property {string} head
 * @property {boolean} [isNumber] set to the right
 */

/**
 * Makes a table, or says in its place that there is nothing.
 *
 * @param {readonly Column[]} columns
 * @param {readonly (readonly Child[])[]} rows
 * @param {string} nothing the sentence for no rows
 */
export function table(columns, rows, nothing) {
  if (rows.length === 0) return element('p', { class: 'nothing' }, nothing)
  /** @param {number} index */
  const kind = (index) => (columns[index]?.isNumber ? { class: 'number' } : undefined)
  const heads = columns.map(({ head }, index) => element('th', kind(index), head))
  const lines = rows.map((row) =>
    element('tr', {}, ...row.map((cell, index) => element('td', kind(index), cell))),
  )
  const made = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...lines),
  )
  return element('div', { class: 'scroll' }, made)
}

/** @param {string} text */
export const hint = (text) => element('p', { class: 'hint' }, text)

/**
 * @param {string} title
 * @param {...Child} children
 */
export const section = (title, ...children) =>
  element('section', {}, element('h2', {}, title), ...children)

/**
 * A field with its label.
 *
 * @param {string} label
 * @param {HTMLElement} input
 */
export const field = (label, input) => element('label', {}, element('span', {}, label), input)

/**
 * @param {string} name
 * @param {readonly string[]} values the empty one is shown as "any"
 * @param {string} chosen
 */
export function choice(name, values, chosen) {
  const options = values.map((value) =>
    element('option', { value, selected: value === chosen }, value === '' ? 'any' : value),
  )
  return element('select', { name }, ...options)
}
