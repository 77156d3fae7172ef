import assert from 'node:assert/strict'
import {
  connectApplication,
  type Handler,
  type SrfApplication,
} from '../sip/engine/support/application.ts'
import { type Caller, caller } from '../sip/engine/support/caller.ts'
import { eventually } from '../sip/engine/support/eventually.ts'
import { openPhone, openTcpPhone, type Message, type Phone } from '../sip/engine/support/phone.ts'
import { type Frames, openFrames } from './frames.ts'
import { findPlace, type SipPlace, type Subject, type TransportNeed } from './subject.ts'

/** Phones and applications around a server, for one case. */
export interface Stage {
  readonly subject: Subject
  readonly phone: () => Promise<Phone>
  /** The address of the server that a case needs. */
  readonly place: (need: TransportNeed) => SipPlace
  /** A phone that talks to one address of the server in its transport. */
  readonly phoneAt: (place: SipPlace) => Promise<Phone>
  /** A caller at a phone that calls the server. */
  readonly callFrom: (phone: Phone) => Caller
  readonly application: (methods?: Readonly<Record<string, Handler>>) => Promise<SrfApplication>
  /** An application that writes frames by hand, let in already. */
  readonly frames: () => Promise<Frames>
  /** One that has not shown the secret yet. */
  readonly strangeFrames: () => Promise<Frames>
  /** Waits for what comes only after 64·T1. */
  readonly expectLate: (phone: Phone, what: string) => Promise<Message>
  /** Waits for what comes within so many seconds of Session-Expires. */
  readonly expectWithin: (phone: Phone, what: string, seconds: number) => Promise<Message>
}

/** Runs one case on a server and takes everything down that it has set up. */
export async function onStage(subject: Subject, run: (stage: Stage) => Promise<void>) {
  const closers: (() => unknown)[] = []
  const opened = <T>(thing: T, close: (thing: T) => unknown): T => {
    closers.push(() => close(thing))
    return thing
  }
  const strangeFrames = async (): Promise<Frames> =>
    opened(await openFrames(subject.admin), (frames) => {
      frames.close()
    })
  try {
    await run({
      subject,
      phone: async () => opened(await openPhone(subject.sip.port), (phone) => phone.close()),
      place: (need) => {
        const place = findPlace(subject, need)
        assert(place, 'the case is not for this server')
        return place
      },
      phoneAt: async (place) => opened(await openPhoneAt(subject, place), (phone) => phone.close()),
      callFrom: (phone) => caller(phone, subject.sip.port),
      application: async (methods = {}) =>
        opened(await connectRouted(subject, methods), ({ kill }) => {
          kill()
        }),
      strangeFrames,
      frames: async () => {
        const frames = await strangeFrames()
        await frames.ask(`authenticate|${subject.secret}|`)
        return frames
      },
      expectLate: (phone, what) => expectLate(phone, what, subject.timeoutMs),
      expectWithin: (phone, what, seconds) => expectLate(phone, what, seconds * subject.secondMs),
    })
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

function openPhoneAt(subject: Subject, { host, port, transport }: SipPlace): Promise<Phone> {
  if (transport === 'udp') return openPhone(port, host)
  if (transport === 'tcp') return openTcpPhone(port, host)
  const { authorities: ca, phoneIdentity } = subject
  assert(phoneIdentity, 'phones need a certificate for TLS')
  const { certificate: cert, key } = phoneIdentity
  return openTcpPhone(port, host, { cert, key, ...(ca === undefined ? {} : { ca }) })
}

/** Its routes are told after it is let in: one refused request later, they are known for certain. */
async function connectRouted(
  subject: Subject,
  methods: Readonly<Record<string, Handler>>,
): Promise<SrfApplication> {
  const application = await connectApplication(subject, methods, subject.secret)
  const { promise, resolve } = Promise.withResolvers<void>()
  const untyped = { method: 'OPTIONS', body: 'a body of no type' }
  application.srf.request('sip:nobody@127.0.0.1', untyped, () => {
    resolve()
  })
  await promise
  return application
}

async function expectLate(phone: Phone, what: string, timeoutMs: number): Promise<Message> {
  await eventually(
    () => phone.inbox.some((message) => message.kind === 'request' && message.method === what),
    () => `no ${what}`,
    timeoutMs + 4_000,
  )
  return phone.expect(what)
}
