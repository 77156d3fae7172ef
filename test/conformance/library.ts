import type { Dlg } from '../sip/engine/support/application.ts'
import { type Message, type Phone, SDP } from '../sip/engine/support/phone.ts'

/** How the library takes its arguments: in more ways than one type says. */
export type Loose = (...all: unknown[]) => unknown

/** A callback of the library as a promise. */
export function called<T>(): { readonly promise: Promise<T>; readonly callback: Loose } {
  const { promise, reject, resolve } = Promise.withResolvers<T>()
  const callback = (error: Error | null, value: T): void => {
    if (error) reject(error)
    else resolve(value)
  }
  return { promise, callback: callback as Loose }
}

/** Ends a call by the library; the phone agrees. Gives the BYE. */
export async function hangUp(dialog: Dlg, phone: Phone): Promise<Message> {
  const over = dialog.destroy()
  const bye = await phone.expect('BYE')
  phone.answer(bye, 200)
  await over
  return bye
}

/** Answers the call that comes to a phone; gives its INVITE. */
export async function pickUp(phone: Phone): Promise<Message> {
  const invite = await phone.expect('INVITE')
  phone.answer(invite, 200, { body: SDP })
  await phone.expect('ACK')
  return invite
}
