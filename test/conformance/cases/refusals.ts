import assert from 'node:assert/strict'
import type { Caller } from '../../sip/engine/support/caller.ts'
import type { Stage } from '../stage.ts'
import type { Case } from '../subject.ts'

interface Refusal {
  readonly name: string
  readonly change: (invite: string) => string
  /** With the method where the damage leaves a CSeq to be repeated. */
  readonly status: string | number
  /** Why the engine refuses what drachtio-server hands to the application. */
  readonly delivered?: string
}

const REFUSALS: readonly Refusal[] = [
  {
    name: 'an INVITE with a To tag of no dialog',
    change: (text) => text.replace(/^(To: .*)\r$/m, '$1;tag=unknown\r'),
    status: '481 INVITE',
  },
  {
    name: 'a version that is not 2.0',
    change: (text) => text.replace(/ SIP\/2\.0\r\n/, ' SIP/7.0\r\n'),
    status: '505 INVITE',
  },
  {
    name: 'a From that cannot be read',
    change: (text) => text.replace(/^From: .*\r$/m, 'From: "x <sip:x@y>;tag=1\r'),
    status: 400,
  },
  {
    name: 'an INVITE without Contact',
    change: (text) => text.replace(/^Contact: .*\r\n/m, ''),
    status: '400 INVITE',
    delivered: 'a call without Contact cannot be hung up (RFC 3261 §8.1.1.8)',
  },
  {
    name: 'an extension nobody knows',
    change: (text) => text.replace('Max-Forwards', 'Require: unheard-of\r\nMax-Forwards'),
    status: '420 INVITE',
    delivered: 'RFC 3261 §8.2.2.3 asks for 420',
  },
  {
    name: 'a URI of another scheme',
    change: (text) => text.replace(/^INVITE sip:/, 'INVITE http:'),
    status: '416 INVITE',
    delivered: 'RFC 3261 §8.2.2.1 asks for 416',
  },
  {
    name: 'no hops left',
    change: (text) => text.replace('Max-Forwards: 70', 'Max-Forwards: 0'),
    status: '483 INVITE',
    delivered: 'a loop through two bridges would never end',
  },
]

/** Whether an application is asked about what a phone sends. */
async function watched(stage: Stage): Promise<{ readonly asked: Promise<void> }> {
  const asked = Promise.withResolvers<void>()
  await stage.application({
    invite: (_req, res) => {
      asked.resolve()
      res.send(486)
    },
  })
  return { asked: asked.promise }
}

async function isRefused(stage: Stage, { change, status }: Refusal): Promise<void> {
  const phone = await stage.phone()
  let isAsked = false
  const { asked } = await watched(stage)
  void asked.then(() => (isAsked = true))
  phone.sendRaw(change(stage.callFrom(phone).invite()))
  await phone.expect(status)
  assert.equal(isAsked, false)
}

async function isDelivered(stage: Stage, { change }: Refusal): Promise<void> {
  const phone = await stage.phone()
  const { asked } = await watched(stage)
  phone.sendRaw(change(stage.callFrom(phone).invite()))
  await asked
}

/** Requests that belong to nothing the server knows. */
const STRAYS: readonly (readonly [string, (call: Caller) => string])[] = [
  ['BYE', (call) => call.invite().replaceAll('INVITE', 'BYE')],
  ['UPDATE', (call) => call.invite().replaceAll('INVITE', 'UPDATE')],
  ['CANCEL', (call) => call.cancel()],
]

/** What a server refuses by itself. */
export const REFUSAL_CASES: readonly Case[] = [
  ...REFUSALS.map((refusal): Case => {
    const { delivered, name, status } = refusal
    return {
      name: `${name}: ${String(status).slice(0, 3)}`,
      run: (stage) => isRefused(stage, refusal),
      ...(delivered !== undefined && {
        differs: {
          why: `drachtio-server asks the application; ${delivered}`,
          run: (stage) => isDelivered(stage, refusal),
        },
      }),
    }
  }),
  ...STRAYS.map(([method, write]): Case => ({
    name: `a ${method} that belongs to nothing: 481`,
    run: async (stage) => {
      const phone = await stage.phone()
      await watched(stage)
      phone.sendRaw(write(stage.callFrom(phone)))
      await phone.expect(`481 ${method}`)
    },
  })),
  {
    name: 'a copy of an INVITE that came another way while it is being answered: 482',
    run: async (stage) => {
      const phone = await stage.phone()
      const call = stage.callFrom(phone)
      await stage.application({ invite: (_req, res) => res.send(180) })
      phone.sendRaw(call.invite())
      await phone.expect(180)
      phone.sendRaw(call.invite().replace('-invite', '-other-way'))
      await phone.expect(482)
      phone.sendRaw(call.cancel())
      await phone.expect('487 INVITE')
    },
    differs: {
      why: 'drachtio-server hands the copy to the application, or refuses it in other words',
      run: async (stage) => {
        const phone = await stage.phone()
        const call = stage.callFrom(phone)
        await stage.application({ invite: (_req, res) => res.send(180) })
        phone.sendRaw(call.invite())
        await phone.expect(180)
        phone.sendRaw(call.cancel())
        await phone.expect('487 INVITE')
      },
    },
  },
  {
    name: 'an unknown method: 405 with Allow',
    run: async (stage) => {
      const phone = await stage.phone()
      phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'DANCE'))
      assert.match((await phone.expect('405 DANCE')).text, /\r\nAllow: .*INVITE/)
    },
    differs: {
      why: 'drachtio-server says nothing, and its sender repeats the request for 32 s',
      run: async (stage) => {
        const phone = await stage.phone()
        phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'DANCE'))
        phone.sendRaw(stage.callFrom(phone).invite().replaceAll('INVITE', 'OPTIONS'))
        assert.equal((await phone.expect('503 OPTIONS')).kind, 'response')
      },
    },
  },
]
