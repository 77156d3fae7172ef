import { ask } from './api.js'
import { element } from './element.js'

/** A button that has a delivery sent again, and says behind it what has come of that.
 * @param {{ id: string, tracking_url_id: string }} delivery
 */
export function resendButton({ id, tracking_url_id }) {
  const said = element('span', { role: 'status', class: 'said' })
  const click = () => {
    button.toggleAttribute('disabled', true)
    said.textContent = 'Asking…'
    const path = `/deliveries/${encodeURIComponent(id)}/resend`
    ask(path, {}, { method: 'POST' }).then(
      () => (said.textContent = 'Queued: it is sent at once.'),
      (error) => {
        said.textContent = error.message
        button.toggleAttribute('disabled', false)
      },
    )
  }
  const button = element(
    'button',
    { type: 'button', click, 'aria-label': `Send “${tracking_url_id}” again` },
    'Send again',
  )
  return element('div', {}, button, said)
}
