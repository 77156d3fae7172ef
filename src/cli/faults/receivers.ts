import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { verifyWebhook } from '../../receiver-kit.ts'
import { chanceOf } from './chance.ts'
import type { OutsideRecord } from './record.ts'

/** Servers of partners, not all of them well. */
export interface Receivers {
  /** One for each tracking URL. */
  readonly origins: readonly string[]
  readonly close: () => Promise<void>
}

/** How badly partners behave. */
export interface ReceiverOptions {
  readonly seed: number
  readonly count: number
  /** How often one delivery may go wrong: each time puts it off by the retry schedule. */
  readonly failuresMax: number
  readonly secret: string
}

type Mood = 'takes' | 'fails' | 'hangs' | 'resets'

/** Starts them on free loopback ports: 10 % of requests get a 500, 3 % no answer, 3 % a reset. */
export async function startReceivers(
  record: OutsideRecord,
  options: ReceiverOptions,
): Promise<Receivers> {
  const tries = new Map<string, number>()
  const servers = await Promise.all(
    Array.from({ length: options.count }, () => listen(record, tries, options)),
  )
  return {
    origins: servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    async close() {
      await Promise.all(
        servers.map(async (server) => {
          server.close()
          server.closeAllConnections()
          await once(server, 'close')
        }),
      )
    },
  }
}

async function listen(
  record: OutsideRecord,
  tries: Map<string, number>,
  options: ReceiverOptions,
): Promise<Server> {
  const server = createServer((request, response) => {
    const arrivedAtMs = performance.now()
    text(request).then(
      (body) => answer(record, { request, response, body, arrivedAtMs }, { tries, options }),
      () => {}, // the service was killed while it was sending
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

interface Arrived {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: string
  readonly arrivedAtMs: number
}

function answer(
  { requests }: OutsideRecord,
  { request, response, body, arrivedAtMs }: Arrived,
  { tries, options }: { readonly tries: Map<string, number>; readonly options: ReceiverOptions },
): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://receiver')
  const deliveryId = searchParams.get('id') ?? ''
  const tried = (tries.get(deliveryId) ?? 0) + 1
  tries.set(deliveryId, tried)
  const mood = tried > options.failuresMax ? 'takes' : moodOf(options.seed, deliveryId, tried)
  const isSigned = request.headers['webhook-signature'] !== undefined
  const verified = verifyWebhook([options.secret], { headers: request.headers, body })
  requests.push({
    deliveryId,
    webhookId: String(request.headers['webhook-id']),
    trackingUrlId: pathname.slice(1),
    callUuid: searchParams.get('call') ?? '',
    payout: searchParams.get('amt') ?? '',
    arrivedAtMs,
    takenAtMs: mood === 'takes' ? performance.now() : undefined,
    isGenuine: isSigned ? verified.kind === 'verified' : request.method !== 'POST',
  })
  respond(response, mood)
}

function moodOf(seed: number, deliveryId: string, tried: number): Mood {
  const chance = chanceOf(seed, `${deliveryId} ${tried}`)
  if (chance < 0.1) return 'fails'
  if (chance < 0.13) return 'hangs'
  return chance < 0.16 ? 'resets' : 'takes'
}

function respond(response: ServerResponse, mood: Mood): void {
  switch (mood) {
    case 'takes':
      response.writeHead(204).end()
      return
    case 'fails':
      response.writeHead(500).end()
      return
    case 'hangs':
      return
    case 'resets':
      response.socket?.resetAndDestroy()
  }
}
