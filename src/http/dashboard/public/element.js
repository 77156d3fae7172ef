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
 * @property {boolean} [isLong] text that is given room before it is broken
 */

/**
 * Makes a table, or says in its place that there is nothing. On narrow screens a row is shown as a card, each cell
 * behind the head of its column; the roles are said because a table that is laid out as something else loses them.
 *
 * @param {string} caption read to those who do not see what stands above it
 * @param {readonly Column[]} columns
 * @param {readonly (readonly Child[])[]} rows
 * @param {string} nothing the sentence for no rows
 */
export function table(caption, columns, rows, nothing) {
  if (rows.length === 0) return element('p', { class: 'nothing' }, nothing)
  const heads = columns.map((column) =>
    element(
      'th',
      { ...kindOf(column), scope: 'col', role: 'columnheader' },
      column.head || element('span', { class: 'unseen' }, 'Actions'),
    ),
  )
  const lines = rows.map((row) =>
    element('tr', { role: 'row' }, ...row.map((cell, index) => cellOf(columns[index], cell))),
  )
  const made = element(
    'table',
    { role: 'table' },
    element('caption', { class: 'unseen' }, caption),
    element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...heads)),
    element('tbody', { role: 'rowgroup' }, ...lines),
  )
  return element('div', { class: 'scroll cards' }, made)
}

/** @param {Column | undefined} column */
const kindOf = (column) => ({
  class: [column?.isNumber && 'number', column?.isLong && 'long'].filter(Boolean).join(' '),
})

/**
 * @param {Column | undefined} column
 * @param {Child} content
 */
function cellOf(column, content) {
  const isEmpty = (!content && content !== 0) || content === '–'
  const { class: kind } = kindOf(column)
  const attributes = {
    class: isEmpty ? `${kind} none` : kind,
    role: 'cell',
    'data-head': column?.head ?? '',
  }
  return element('td', attributes, isEmpty ? '–' : content)
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
 * @param {readonly (string | readonly [value: string, text: string])[]} values the empty one is shown as "any"
 * @param {string} chosen
 */
export function choice(name, values, chosen) {
  const options = values.map((each) => {
    const [value, text] = typeof each === 'string' ? [each, each === '' ? 'any' : each] : each
    return element('option', { value, selected: value === chosen }, text)
  })
  return element('select', { name }, ...options)
}

/**
 * The way through a list that is longer than a page.
 *
 * @param {string} name of the page
 * @param {Record<string, string>} query
 * @param {string | undefined} next the query of the next page
 */
export function pager(name, query, next) {
  const { before, ...first } = query
  return element(
    'p',
    { class: 'pager' },
    before !== undefined &&
      element('a', { href: `#/${name}?${new URLSearchParams(first)}` }, 'Back to the latest'),
    next !== undefined && element('a', { href: `#/${name}?${next}` }, 'Earlier ones'),
  )
}

/**
 * The fields that a list is narrowed by; they are put into the place, where they can be linked to.
 *
 * @param {string} name of the page
 * @param {Record<string, string>} query what holds now
 * @param {...HTMLElement} fields
 */
export function filterForm(name, query, ...fields) {
  const isNarrowed = Object.keys(query).length > 0
  return element(
    'form',
    { class: 'filters', submit: goTo(name), 'aria-label': 'Filters' },
    ...fields,
    element('button', { type: 'submit' }, 'Show'),
    isNarrowed && element('a', { class: 'all', href: `#/${name}` }, 'Without filters'),
  )
}

/** @param {string} name */
const goTo = (name) => (/** @type {Event} */ event) => {
  event.preventDefault()
  const data = new FormData(/** @type {HTMLFormElement} */ (event.target))
  const given = [...data]
    .map(([name, value]) => [name, String(value).trim()])
    .filter(([, value]) => value !== '')
  location.hash = `#/${name}?${new URLSearchParams(given)}`
}
