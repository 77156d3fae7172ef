import { beforeEach, describe, expect, it } from 'vitest'
import { openFrames } from '../../../conformance/frames.ts'
import type { Dlg, Req } from '../support/application.ts'
import { type Caller, caller } from '../support/caller.ts'
import { eventually } from '../support/eventually.ts'
import { type Message, type Phone, SDP, valueOf } from '../support/phone.ts'
import { openWorldOfTest, type World } from '../support/world.ts'

let world: World
let alice: Phone
let call: Caller

beforeEach(async () => {
  world = await openWorldOfTest()
  alice = await world.phone()
  call = caller(alice, world.port)
})

const RELIABLE = { headers: { Require: '100rel' } }
const SUPPORTED = { headers: ['Supported: timer, 100rel'] }

const rseqOf = (message: Message): number =>
  Number(message.headers.find((header) => header.key === 'rseq')?.value)

const prack = (answer: Message, rack = `${rseqOf(answer)} 1 INVITE`): string =>
  call.inDialog(answer, 'PRACK', 2, { headers: [`RAck: ${rack}`] })

describe('as the called side (RFC 3262 §3)', () => {
  it('repeats a reliable response until its PRACK, and answers after it', async () => {
    const application = await world.application({
      invite: (req, res) => {
        res.send(183, { ...RELIABLE, body: SDP })
        void application.srf.createUAS(req, res, { localSdp: SDP })
      },
    })
    alice.sendRaw(call.invite(SUPPORTED))
    const progress = await alice.expect(183)
    expect(progress.text).toContain('Require: 100rel\r\n')
    expect((await alice.expect(183)).text).toBe(progress.text)
    expect((await alice.expect(183)).text).toBe(progress.text)
    expect(
      alice.inbox.map((message) => message.kind === 'response' && message.status),
    ).not.toContain(200)

    alice.sendRaw(prack(progress))
    await alice.expect('200 PRACK')
    const ok = await alice.expect('200 INVITE')
    alice.sendRaw(call.ack(ok))
    alice.sendRaw(call.inDialog(ok, 'BYE', 3))
    await alice.expect('200 BYE')
    await world.quiescent()
  })

  it('sends one reliable response after the other, each with the next number', async () => {
    await world.application({
      invite: (_req, res) => {
        res.send(180, { ...RELIABLE })
        res.send(183, { ...RELIABLE })
      },
    })
    alice.sendRaw(call.invite(SUPPORTED))
    const first = await alice.expect(180)
    alice.sendRaw(prack(first))
    const second = await alice.expect(183)
    expect(rseqOf(second)).toBe(rseqOf(first) + 1)
  })

  it('makes provisional responses reliable for a caller that requires it', async () => {
    await world.application({ invite: (_req, res) => res.send(180) })
    alice.sendRaw(call.invite({ headers: ['Require: 100rel'] }))
    const ringing = await alice.expect(180)
    expect(ringing.text).toContain('Require: 100rel\r\nRSeq: ')
    alice.sendRaw(prack(ringing))
    await alice.expect('200 PRACK')
  })

  it('tells an application whose caller cannot do it', async () => {
    const errors: unknown[] = []
    await world.application({
      invite: (_req, res) => {
        res.send(183, { ...RELIABLE }, (error: unknown) => errors.push(error))
      },
    })
    alice.sendRaw(call.invite())
    await eventually(
      () => errors.length === 1,
      () => 'no answer',
    )
    expect(errors).toEqual(['Remote endpoint does not support 100rel'])
  })

  it.each([
    { does: 'takes', name: 'two blanks in it', rack: (rseq: number) => `${rseq}  1 INVITE` },
    { does: 'takes', name: 'a tab in it', rack: (rseq: number) => `${rseq}\t1 INVITE` },
    { does: 'refuses', name: 'another response', rack: (rseq: number) => `${rseq + 1} 1 INVITE` },
    { does: 'refuses', name: 'another request', rack: (rseq: number) => `${rseq} 2 INVITE` },
    { does: 'refuses', name: 'nothing', rack: () => '' },
  ])('$does a PRACK whose RAck has $name (RFC 3262 §7.2)', async ({ does, rack }) => {
    await world.application({ invite: (_req, res) => res.send(180, { ...RELIABLE }) })
    alice.sendRaw(call.invite(SUPPORTED))
    const ringing = await alice.expect(180)
    alice.sendRaw(prack(ringing, rack(rseqOf(ringing))))
    await alice.expect(does === 'takes' ? '200 PRACK' : '481 PRACK')
  })

  it('fails the call with 500 when no PRACK comes, and tells the application', async () => {
    let cancelled = 0
    await world.application({
      invite: (req, res) => {
        req.on('cancel', () => cancelled++)
        res.send(180, { ...RELIABLE })
      },
    })
    alice.sendRaw(call.invite(SUPPORTED))
    await alice.expect('500 INVITE')
    await eventually(
      () => cancelled === 1,
      () => 'the application was not told',
    )
    await world.quiescent()
  })

  it('lets a caller cancel while the answer waits for a PRACK', async () => {
    const application = await world.application({
      invite: (req, res) => {
        res.send(183, { ...RELIABLE })
        application.srf.createUAS(req, res, { localSdp: SDP }).catch(() => undefined)
      },
    })
    alice.sendRaw(call.invite(SUPPORTED))
    await alice.expect(183)
    alice.sendRaw(call.cancel())
    await alice.expect('200 CANCEL')
    await alice.expect('487 INVITE')
    await world.quiescent()
    const after = alice.inbox.map((message) => message.kind === 'response' && message.status)
    expect(after).not.toContain(183)
  })
})

describe('as the calling side (RFC 3262 §4)', () => {
  async function dial(): Promise<{ dialog: Promise<Dlg>; invite: Message }> {
    const application = await world.application()
    const dialog = application.srf.createUAC(`sip:bob@127.0.0.1:${alice.port}`, {
      localSdp: SDP,
      headers: { Supported: '100rel' },
    })
    return { dialog, invite: await alice.expect('INVITE') }
  }
  /** Ends the call from the application's side; gives its BYE. */
  async function hangUp(dialog: Promise<Dlg>): Promise<Message> {
    const ended = (await dialog).destroy()
    const bye = await alice.expect('BYE')
    alice.answer(bye, 200)
    await ended
    return bye
  }
  const reliable = (rseq: number): { headers: string[]; body: string } => ({
    headers: ['Require: 100rel', `RSeq: ${rseq}`],
    body: SDP,
  })

  it('acknowledges a reliable response in the early dialog that it makes', async () => {
    const { dialog, invite } = await dial()
    alice.answer(invite, 183, reliable(7))
    const prack = await alice.expect('PRACK')
    expect(prack.text).toContain(`RAck: 7 ${invite.cseq} INVITE\r\n`)
    expect(prack.cseq).toBe(invite.cseq + 1)
    expect(prack.toTag).toBe('phonetag')
    alice.answer(prack, 200)
    alice.answer(invite, 200, { body: SDP })
    expect((await alice.expect('ACK')).cseq).toBe(invite.cseq)
    expect((await hangUp(dialog)).cseq).toBe(invite.cseq + 2)
    await world.quiescent()
  })

  it('numbers its requests on although forks ring one after the other (RFC 3261 §12.2.1.1)', async () => {
    const { dialog, invite } = await dial()
    const ring = async (tag: string, rseq: number, known?: Message): Promise<Message> => {
      alice.answer(invite, 183, { ...reliable(rseq), tag })
      const prack = await alice.expect('PRACK', known)
      expect(prack.toTag).toBe(tag)
      alice.answer(prack, 200)
      return prack
    }
    const first = await ring('a', 7)
    const second = await ring('b', 70, first)
    alice.answer(invite, 183, { ...reliable(7), tag: 'a' })
    const third = await ring('a', 8, second)
    alice.answer(invite, 200, { body: SDP, tag: 'a' })
    await alice.expect('ACK')
    const bye = await hangUp(dialog)
    const numbers = [first, second, third, bye].map(({ cseq }) => cseq - invite.cseq)
    expect(numbers).toEqual([1, 2, 3, 4])
    expect([first, second, third].map((prack) => valueOf(prack, 'rack').split(' ')[0])).toEqual([
      '7',
      '70',
      '8',
    ])
    await world.quiescent()
  })

  it('counts on from a fork that rang reliably where another one answers that did not', async () => {
    const { dialog, invite } = await dial()
    alice.answer(invite, 183, { ...reliable(7), tag: 'a' })
    alice.answer(await alice.expect('PRACK'), 200)
    alice.answer(invite, 200, { body: SDP, tag: 'b' })
    await alice.expect('ACK')
    expect((await hangUp(dialog)).cseq).toBe(invite.cseq + 2)
  })

  it('keeps nothing of a call whose callee has rung reliably and ignores the CANCEL', async () => {
    const application = await world.application()
    const stops = await openFrames(world.stack.admin)
    await stops.ask('authenticate|secret|')
    await stops.ask('route|cdr:stop')
    const sent = Promise.withResolvers<Req>()
    const outcome = application.srf.createUAC(
      `sip:bob@127.0.0.1:${alice.port}`,
      { localSdp: SDP, headers: { Supported: '100rel' } },
      { cbRequest: (_: unknown, request: Req) => sent.resolve(request) },
    )
    const invite = await alice.expect('INVITE')
    alice.answer(invite, 183, reliable(7))
    alice.answer(await alice.expect('PRACK'), 200)
    ;(await sent.promise).cancel()
    alice.answer(await alice.expect('CANCEL'), 200)
    await expect(outcome).rejects.toMatchObject({ status: 487 })
    await world.quiescent()
    expect((await stops.recorded('cdr:stop')).words).toContain('call-canceled')
    stops.close()
  })

  it('hands a copy of a reliable response over once, and the next one too', async () => {
    const { dialog, invite } = await dial()
    alice.answer(invite, 183, reliable(7))
    alice.answer(invite, 183, reliable(7))
    alice.answer(invite, 183, reliable(9))
    alice.answer(invite, 183, reliable(8))
    const first = await alice.expect('PRACK')
    const racks = [first, await alice.expect('PRACK', first)].map(
      (prack) => /RAck: (\d+)/.exec(prack.text)?.[1],
    )
    expect(racks).toEqual(['7', '8'])
    alice.answer(invite, 486)
    await expect(dialog).rejects.toMatchObject({ status: 486 })
    expect(world.stack.stats().tables['dialogs']).toBe(0)
  })
})
