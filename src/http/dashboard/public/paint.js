/**
 * Puts a page in the place of another one and the reader at its beginning.
 *
 * @param {HTMLElement} page
 * @param {readonly HTMLElement[]} parts
 * @param {{ isFirst: boolean }} options the first page leaves the reader where browsers put them
 */
export function paintPage(page, parts, { isFirst }) {
  page.replaceChildren(...parts)
  const head = page.querySelector('h1')
  document.title = head ? `${head.textContent} · Bridgeback` : 'Bridgeback'
  const input = page.querySelector('[data-first]')
  if (isFirst && !input) return
  scrollTo(0, 0)
  head?.setAttribute('tabindex', '-1')
  const start = /** @type {HTMLElement | null} */ (input ?? head)
  start?.focus({ preventScroll: true })
}

/**
 * Paints the same page anew: only what has changed, so that a table which somebody reads, scrolls or walks through
 * with the keyboard stays as it is.
 *
 * @param {HTMLElement} page
 * @param {readonly HTMLElement[]} parts
 */
export function repaintPage(page, parts) {
  const focused = document.activeElement
  const held = page.contains(focused) && focused?.getAttribute('href')
  const before = [...page.children]
  if (before.length === parts.length) {
    for (const [index, part] of parts.entries()) {
      if (!before[index]?.isEqualNode(part)) before[index]?.replaceWith(part)
    }
  } else page.replaceChildren(...parts)
  if (!held || page.contains(focused)) return
  const links = [...page.querySelectorAll('a')]
  links.find((link) => link.getAttribute('href') === held)?.focus({ preventScroll: true })
}
