import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Dlg } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { createTestClock } from '../support/clock.ts'
import { type Message, type Phone, SDP, valueOf } from '../support/phone.ts'
import { openWorld, SHORT_TIMERS, type World } from '../support/world.ts'
import { caller, type Caller } from '../support/caller.ts'

/** Ninety seconds are 360 ms. */
const SECOND_MS = 4
const NINETY_SECONDS_MS = 90 * SECOND_MS

const TIMER_C_MS = 200_000

const clock = createTestClock()
let world: World

beforeAll(async () => {
  world = await openWorld({ clock, timers: { ...SHORT_TIMERS, secondMs: SECOND_MS } })
})

const hungUp = (): number => world.stack.stats().counters['callsHungUp'] ?? 0

afterEach(async () => {
  clock.skip(128 * SHORT_TIMERS.t1Ms) // what copies are waited for
  await world.quiescent()
  expect(world.stack.stats().counters['faults']).toBe(0)
})

afterAll(async () => {
  await world.close()
})

const HOLD = SDP.replace('s=-', 's=hold')

interface Up {
  readonly phone: Phone
  readonly dialog: Dlg
  /** Reason of the end, once it has come. */
  readonly ended: Promise<string>
}

const endOf = (dialog: Dlg): Promise<string> => {
  const { promise, resolve } = Promise.withResolvers<string>()
  dialog.on('destroy', (_, reason) => {
    resolve(reason)
  })
  return promise
}

/** A call that came in and was answered. */
async function answered(
  headers: readonly string[],
  options: object = {},
): Promise<Up & { readonly call: Caller; readonly ok: Message }> {
  const phone = await world.phone()
  const call = caller(phone, world.port)
  const taken = Promise.withResolvers<Dlg>()
  const application = await world.application({
    invite: (req, res) => {
      const given = { localSdp: SDP, ...options }
      application.srf.createUAS(req, res, given).then(taken.resolve, taken.reject)
    },
  })
  phone.sendRaw(call.invite({ headers }))
  const ok = await phone.expect('200 INVITE')
  phone.sendRaw(call.ack(ok))
  const dialog = await taken.promise
  closers.push(application.kill)
  return { phone, call, ok, dialog, ended: endOf(dialog) }
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A call that went out and was answered with these headers. */
async function placed(headers: readonly string[]): Promise<Up & { readonly invite: Message }> {
  const phone = await world.phone()
  const { kill, srf } = await world.application()
  closers.push(kill)
  const outcome = srf.createUAC(`sip:bob@127.0.0.1:${phone.port}`, { localSdp: SDP })
  const invite = await phone.expect('INVITE')
  phone.answer(invite, 200, { body: HOLD, headers })
  await phone.expect('ACK')
  const dialog = await outcome
  return { phone, invite, dialog, ended: endOf(dialog) }
}

async function hangUp({ dialog, phone }: Up): Promise<void> {
  const over = dialog.destroy()
  phone.answer(await phone.expect('BYE'), 200)
  await over
}

/** Waits until the engine has worked off whatever the phone has sent it. */
async function untilTaken(
  { call, ok, phone }: Pick<Awaited<ReturnType<typeof answered>>, 'call' | 'ok' | 'phone'>,
  cseq: number,
): Promise<void> {
  phone.sendRaw(call.inDialog(ok, 'OPTIONS', cseq))
  await phone.expect('200 OPTIONS')
}

describe('a call that came in', () => {
  it('is echoed a Session-Expires that says who refreshes (RFC 4028 §9)', async () => {
    const up = await answered(['Supported: timer', 'Session-Expires: 600;refresher=uac'])
    expect(valueOf(up.ok, 'session-expires')).toBe('600;refresher=uac')
    expect(valueOf(up.ok, 'require')).toBe('timer')
    await hangUp(up)
  })

  it('is not made to expire by an offer that leaves the refresher open', async () => {
    const up = await answered(['Supported: timer', 'Session-Expires: 600'])
    expect(valueOf(up.ok, 'session-expires')).toBe('')
    await hangUp(up)
  })

  it('takes over what the application says, once', async () => {
    const up = await answered(['Session-Expires: 600;refresher=uac'], {
      headers: { 'Session-Expires': '300;refresher=uas' },
    })
    expect(up.ok.text.match(/Session-Expires/g)).toHaveLength(1)
    expect(valueOf(up.ok, 'session-expires')).toBe('300;refresher=uas')
    await hangUp(up)
  })

  it('is hung up when its caller does not refresh it, and the application is told', async () => {
    const up = await answered(['Session-Expires: 90;refresher=uac'])
    const begunAtMs = performance.now()
    const bye = await up.phone.expect('BYE')
    expect(performance.now() - begunAtMs).toBeGreaterThan(NINETY_SECONDS_MS * 0.8)
    expect(valueOf(bye, 'reason')).toBe('SIP;cause=200;text="Session timer expired"')
    up.phone.answer(bye, 200)
    expect(await up.ended).toContain('Session timer expired')
  })

  it.each(['INVITE', 'UPDATE'])('lives on when its caller refreshes it by %s', async (method) => {
    const up = await answered(['Session-Expires: 90;refresher=uac'])
    const { call, dialog, ok, phone } = up
    dialog.on('modify', (_req, res) => {
      res.send(200, { body: SDP })
    })
    dialog.on('update', (_req, res) => {
      res.send(200)
    })
    const before = hungUp()
    const headers = ['Session-Expires: 90;refresher=uac']
    for (let cseq = 2; cseq < 14; cseq += 2) {
      clock.skip(NINETY_SECONDS_MS / 3)
      phone.sendRaw(call.inDialog(ok, method, cseq, { headers, body: SDP }))
      const again = await phone.expect(`200 ${method}`, ok)
      expect(valueOf(again, 'session-expires')).toBe('90;refresher=uac')
      if (method === 'INVITE') phone.sendRaw(call.ack(again, cseq))
      await untilTaken(up, cseq + 1)
    }
    expect(hungUp()).toBe(before)
    await hangUp(up)
  })

  it('does not expire any more after a re-INVITE without Session-Expires', async () => {
    const up = await answered(['Session-Expires: 90;refresher=uac'])
    const { call, dialog, ok, phone } = up
    dialog.on('modify', (_req, res) => {
      res.send(200, { body: SDP })
    })
    phone.sendRaw(call.inDialog(ok, 'INVITE', 2, { body: SDP }))
    phone.sendRaw(call.ack(await phone.expect('200 INVITE', ok), 2))
    await untilTaken(up, 3)
    const before = hungUp()
    clock.skip(NINETY_SECONDS_MS * 1.5)
    expect(hungUp()).toBe(before)
    await hangUp(up)
  })

  it.each(['INVITE', 'UPDATE'])(
    'refuses %s that asks for less than 90 s with 422',
    async (method) => {
      const up = await answered([])
      const { call, ok, phone } = up
      const headers = ['Session-Expires: 89']
      phone.sendRaw(call.inDialog(ok, method, 2, { headers, body: SDP }))
      const refusal = await phone.expect(`422 ${method}`)
      expect(valueOf(refusal, 'min-se')).toBe('90')
      if (method === 'INVITE') phone.sendRaw(call.ack(refusal, 2))
      await hangUp(up)
    },
  )

  it('is refreshed by us when its caller wants so, again and again', async () => {
    const up = await answered(['Session-Expires: 90;refresher=uas'])
    const { ok, phone } = up
    expect(valueOf(ok, 'session-expires')).toBe('90;refresher=uas')
    let last: Message | undefined
    for (let times = 0; times < 3; times++) {
      const refresh = await phone.expect('INVITE', last)
      expect(refresh.body).toBe(SDP)
      expect(valueOf(refresh, 'session-expires')).toBe('90;refresher=uac')
      expect(valueOf(refresh, 'min-se')).toBe('90')
      expect(refresh.fromTag).toBe(ok.toTag)
      phone.answer(refresh, 200, { body: SDP, headers: ['Session-Expires: 90;refresher=uac'] })
      expect((await phone.expect('ACK')).cseq).toBe(refresh.cseq)
      last = refresh
    }
    await hangUp(up)
  })
})

it('is not agreed on by an UPDATE while the call rings', async () => {
  const phone = await world.phone()
  const call = caller(phone, world.port)
  const { kill } = await world.application({
    invite: (req, res) => {
      res.send(183, { headers: { Require: '100rel' }, body: SDP })
      req.on('prack', () => undefined)
      req.on('update', ((_update: unknown, updated: typeof res) => {
        updated.send(200)
      }) as never)
    },
  })
  closers.push(kill)
  phone.sendRaw(call.invite({ headers: ['Supported: 100rel'] }))
  const progress = await phone.expect(183)
  const rack = `RAck: ${valueOf(progress, 'rseq')} 1 INVITE`
  phone.sendRaw(call.inDialog(progress, 'PRACK', 2, { headers: [rack] }))
  await phone.expect('200 PRACK')
  const headers = ['Session-Expires: 90;refresher=uac']
  phone.sendRaw(call.inDialog(progress, 'UPDATE', 3, { headers, body: SDP }))
  const updated = await phone.expect('200 UPDATE')
  expect(valueOf(updated, 'session-expires')).toBe('')
  phone.sendRaw(call.cancel())
  phone.sendRaw(call.ack(await phone.expect('487 INVITE')))
})

describe('a call that went out', () => {
  it('is refreshed after half its time with what we offered last', async () => {
    const up = await placed(['Session-Expires: 90'])
    const { invite, phone } = up
    const begunAtMs = performance.now()
    const refresh = await phone.expect('INVITE', invite)
    const waitedMs = performance.now() - begunAtMs
    expect(waitedMs).toBeGreaterThan(NINETY_SECONDS_MS * 0.3)
    expect(refresh.body).toBe(SDP)
    phone.answer(refresh, 200, { body: HOLD, headers: ['Session-Expires: 90;refresher=uac'] })
    await phone.expect('ACK')
    await hangUp(up)
  })

  it('offers in a refresh what a re-INVITE of the application has changed', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const { dialog, invite, phone } = up
    const headers = ['Session-Expires: 90;refresher=uac']
    const modified = dialog.modify(HOLD)
    const again = await phone.expect('INVITE', invite)
    expect(valueOf(again, 'session-expires')).toBe('90;refresher=uac')
    phone.answer(again, 200, { body: SDP, headers })
    await phone.expect('ACK')
    await modified
    const refresh = await phone.expect('INVITE', again)
    expect(refresh.body).toBe(HOLD)
    phone.answer(refresh, 200, { body: SDP, headers })
    await phone.expect('ACK')
    await hangUp(up)
  })

  it('is hung up when the other side is to refresh it and does not', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uas'])
    up.phone.answer(await up.phone.expect('BYE'), 200)
    expect(await up.ended).toContain('Session timer expired')
  })

  it.each([481, 488, 500])('is hung up when its refresh is refused with %i', async (status) => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const refresh = await up.phone.expect('INVITE', up.invite)
    up.phone.answer(refresh, status)
    await up.phone.expect('ACK')
    up.phone.answer(await up.phone.expect('BYE'), 200)
    expect(await up.ended).toContain('Session timer expired')
  })

  it('is hung up when nobody answers its refresh', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    up.phone.answer(await up.phone.expect('BYE'), 200)
    expect(await up.ended).toContain('Session timer expired')
  })

  it('is hung up when its refresh is left ringing and the CANCEL of it is ignored', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const { invite, phone } = up
    const refresh = await phone.expect('INVITE', invite)
    const heard = world.stack.stats().counters['responsesReceived'] ?? 0
    phone.answer(refresh, 100)
    await eventually(
      () => world.stack.stats().counters['responsesReceived'] === heard + 1,
      () => 'the 100 was not received',
    )
    clock.skip(TIMER_C_MS + 10)
    phone.answer(await phone.expect('CANCEL'), 200)
    clock.skip(65 * SHORT_TIMERS.t1Ms)
    phone.answer(await phone.expect('BYE'), 200)
    expect(await up.ended).toContain('Session timer expired')
  })

  it('comes again after glare (RFC 3261 §14.1)', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const { invite, phone } = up
    const first = await phone.expect('INVITE', invite)
    phone.answer(first, 491)
    await phone.expect('ACK')
    const second = await phone.expect('INVITE', first)
    expect(second.cseq).toBe(first.cseq + 1)
    phone.answer(second, 200, { body: SDP, headers: ['Session-Expires: 90;refresher=uac'] })
    await phone.expect('ACK')
    await hangUp(up)
  })

  it('comes again with the time that a 422 asks for (RFC 4028 §7.3)', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const { invite, phone } = up
    const first = await phone.expect('INVITE', invite)
    phone.answer(first, 422, { headers: ['Min-SE: 600'] })
    await phone.expect('ACK')
    const second = await phone.expect('INVITE', first)
    expect(valueOf(second, 'session-expires')).toBe('600;refresher=uac')
    phone.answer(second, 200, { body: SDP, headers: ['Session-Expires: 600;refresher=uac'] })
    await phone.expect('ACK')
    await hangUp(up)
  })

  it('keeps a re-INVITE of the application until its refresh is over', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const { dialog, invite, phone } = up
    const refresh = await phone.expect('INVITE', invite)
    phone.answer(refresh, 100)
    const modified = dialog.modify(HOLD)
    phone.answer(refresh, 200, { body: SDP, headers: ['Session-Expires: 90;refresher=uac'] })
    await phone.expect('ACK')
    const again = await phone.expect('INVITE', refresh)
    expect(again.body).toBe(HOLD)
    phone.answer(again, 200, { body: SDP })
    await phone.expect('ACK')
    await modified
    await hangUp(up)
  })

  it('answers 491 to a re-INVITE that crosses its refresh (RFC 3261 §14.2)', async () => {
    const up = await placed(['Session-Expires: 90;refresher=uac'])
    const { invite, phone } = up
    const refresh = await phone.expect('INVITE', invite)
    phone.answer(refresh, 100)
    const lines = refresh.text
      .replace(/^INVITE \S+/, `INVITE sip:${refresh.via.host}:${world.port}`)
      .replace(/^Via: .*\r$/m, `Via: SIP/2.0/UDP 127.0.0.1:${phone.port};branch=z9hG4bK-glare\r`)
      .replace(/^From: .*\r$/m, `From: ${valueOf(refresh, 'to')}\r`)
      .replace(/^To: .*\r$/m, `To: ${valueOf(refresh, 'from')}\r`)
    phone.sendRaw(lines)
    await phone.expect('491 INVITE')
    phone.answer(refresh, 200, { body: SDP })
    await phone.expect('ACK')
    await hangUp(up)
  })
})

it('refuses a re-INVITE that waited for a refresh when the call ends first', async () => {
  const up = await placed(['Session-Expires: 90;refresher=uac'])
  const { dialog, invite, phone } = up
  const refresh = await phone.expect('INVITE', invite)
  phone.answer(refresh, 100)
  const modified = dialog.modify(HOLD).then(
    () => 'modified',
    () => 'refused',
  )
  phone.answer(refresh, 481)
  await phone.expect('ACK')
  phone.answer(await phone.expect('BYE'), 200)
  expect(await modified).toBe('refused')
})
