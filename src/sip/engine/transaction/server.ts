import type { Hop, Listener } from '../transport/transport.ts'
import * as inviteServer from './invite-server.ts'
import * as nonInviteServer from './non-invite-server.ts'
import type { Context, Effect } from './timers.ts'
import {
  contextOf,
  type ServerTransaction,
  startTimer,
  stopTimers,
  type Tables,
} from './transactions.ts'

type Input = inviteServer.Input | nonInviteServer.Input

/** What a server transaction is made of. */
export interface ServerParts {
  readonly key: string
  readonly invite: boolean
  readonly hop: Hop
  readonly listener: Listener
}

/** Begins to answer a request. */
export function createServer(tables: Tables, parts: ServerParts): ServerTransaction {
  const transaction: ServerTransaction = {
    ...parts,
    state: parts.invite ? inviteServer.INITIAL : nonInviteServer.INITIAL,
    slots: { repeat: undefined, end: undefined },
    response: '',
    onEnd: undefined,
  }
  tables.servers.set(parts.key, transaction)
  return transaction
}

/** Gives a transaction a response to send, unless it has had its final one. */
export function respond(
  tables: Tables,
  transaction: ServerTransaction,
  status: number,
  text: string,
): void {
  const { name } = transaction.state
  if (name !== 'trying' && name !== 'proceeding') return
  transaction.response = text
  feedServer(tables, transaction, { type: 'respond', status })
}

/** Steps a server transaction and carries out what follows. */
export function feedServer(tables: Tables, transaction: ServerTransaction, input: Input): void {
  const [next, effects] = step(transaction, input, contextOf(tables, transaction.listener))
  transaction.state = next
  for (const effect of effects) carryOut(tables, transaction, effect)
  if (next.name === 'terminated') end(tables, transaction)
  // A 2xx is repeated by the dialog: the transaction need not keep it.
  else if (next.name === 'accepted') transaction.response = ''
}

function carryOut(tables: Tables, transaction: ServerTransaction, effect: Effect): void {
  const { hop, listener, response, slots } = transaction
  if (effect.type === 'send_response') listener.send(response, hop)
  else if (effect.type === 'start_timer')
    startTimer(tables, slots, effect, (timer) => {
      feedServer(tables, transaction, { type: 'timer', timer } as Input)
    })
}

function end(tables: Tables, transaction: ServerTransaction): void {
  stopTimers(transaction.slots)
  tables.servers.delete(transaction.key)
  const { onEnd } = transaction
  transaction.onEnd = undefined
  onEnd?.()
}

function step(
  { invite, state }: ServerTransaction,
  input: Input,
  context: Context,
): readonly [ServerTransaction['state'], readonly Effect[]] {
  return invite
    ? inviteServer.step(state as inviteServer.State, input as inviteServer.Input, context)
    : nonInviteServer.step(state as nonInviteServer.State, input as nonInviteServer.Input, context)
}
