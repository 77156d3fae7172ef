import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sendStream } from '../../../src/http/admin/answer-stream.ts'
import { silent } from '../../support/flow.ts'
import { waitFor } from '../../support/wait.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'
import { openRaw } from '../support/raw.ts'
import { reportPages } from '../support/report-pages.ts'

const PATH = '/api/v1/reports?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z'
const LINE = '{"campaign":"solar","currency":"USD","calls":1,"connected":1,"converted":0,"late":0,'

async function listen({ silenceMs = 15_000 } = {}) {
  const report = reportPages()
  const { app, logLines } = openTestServer({
    database: report.database,
    timeouts: { silenceMs },
  })
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = (path = PATH, signal = new AbortController().signal) =>
    fetch(`${base}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` }, signal })
  return {
    ask,
    report,
    app,
    port: Number(new URL(base).port),
    failures: () => logLines.filter((line) => line.includes('failed')),
  }
}

/** Waits until the server knows that nobody is there any more. */
async function nobodyConnected(app: FastifyInstance): Promise<void> {
  const count = promisify(app.server.getConnections.bind(app.server))
  await waitFor(async () => (await count()) === 0, { what: 'the server to see the reader go' })
}

const hasEnded = (open: () => number) =>
  waitFor(() => open() === 0, { what: 'the end of the transaction' })

describe('a report whose reader goes', () => {
  it('ends its transaction, though the first rows were being computed', async () => {
    const { ask, report, app, failures } = await listen()
    const leave = new AbortController()
    const asked = ask(PATH, leave.signal).catch(() => undefined)
    const first = await report.page(1)

    leave.abort()
    await asked
    await nobodyConnected(app)
    first.arrives()

    await hasEnded(report.open)
    expect(failures()).toEqual([])
  })

  it('ends its transaction, though the next rows were being read', async () => {
    const { ask, report, app, failures } = await listen()
    const leave = new AbortController()
    const asked = ask(PATH, leave.signal)
    ;(await report.page(1)).arrives()
    await (await asked).body?.getReader().read()
    const second = await report.page(2)

    leave.abort()
    await nobodyConnected(app)
    second.arrives()

    await hasEnded(report.open)
    expect(report.asked()).toBe(2)
    expect(failures()).toEqual([])
  })

  it('asks the database nothing, if it was still waiting for its turn', async () => {
    const { ask, report, app } = await listen()
    const leave = new AbortController()
    const asked = Array.from({ length: 5 }, () => ask(PATH, leave.signal).catch(() => undefined))
    const pages = await Promise.all([1, 2, 3, 4].map((number) => report.page(number)))

    leave.abort()
    await Promise.all(asked)
    await nobodyConnected(app)
    for (const page of pages) page.arrives()

    await hasEnded(report.open)
    const last = ask()
    ;(await report.page(5)).ends()
    expect(await (await last).text()).toBe('[]\n')
    expect(report.begun()).toBe(5)
  })
})

describe('an answer whose reader stays', () => {
  interface LongAnswer {
    readonly pieces: number
    /** Of each piece. */
    readonly megabytes: number
    readonly unreadMaxMs: number
  }

  /** An answer that a connection has asked for, as large as its pieces are many. */
  async function open({ pieces, megabytes, unreadMaxMs }: LongAnswer) {
    const { app } = openTestServer()
    const options = { type: 'text/csv', computingMaxMs: 20_000, unreadMaxMs, logger: silent }
    const sent = Promise.withResolvers<number>()
    app.get('/long', (_request, reply) =>
      sendStream(
        reply,
        async (write) => {
          let count = 0
          try {
            for (; count < pieces; count++) await write('x'.repeat(megabytes * 1_000_000))
          } finally {
            sent.resolve(count)
          }
        },
        options,
      ),
    )
    const base = await app.listen({ port: 0, host: '127.0.0.1' })
    const connection = openRaw(Number(new URL(base).port))
    connection.socket.pause()
    connection.send('GET /long HTTP/1.1\r\nhost: a.example\r\n\r\n')
    return { connection, sent: sent.promise }
  }

  it('is given up when nothing of it is read', async () => {
    const { sent } = await open({ pieces: 1_000, megabytes: 1, unreadMaxMs: 50 })
    expect(await sent).toBeLessThan(1_000)
  })

  it('is not, while it is read slowly', async () => {
    const { connection, sent } = await open({ pieces: 2, megabytes: 50, unreadMaxMs: 1_500 })
    // 15 MB a second: a piece takes twice as long as nothing may be read.
    const reading = setInterval(
      () => void (connection.socket.read(150_000) ?? connection.socket.read()),
      10,
    )
    onTestFinished(() => clearInterval(reading))
    expect(await sent).toBe(2)
  })

  it('lets go what has made it, where it is small', async () => {
    const { sent } = await open({ pieces: 10, megabytes: 0.1, unreadMaxMs: 50 })
    expect(await sent).toBe(10)
  })
})

describe('a report that fails', () => {
  it('is cut off and logged, where rows had been sent', async () => {
    const { ask, report, failures } = await listen()
    const asked = ask()
    ;(await report.page(1)).arrives()
    const answer = await asked
    ;(await report.page(2)).fails(new Error('the disk is full'))

    await expect(answer.text()).rejects.toThrow('terminated')
    expect(failures()).toEqual([expect.stringContaining('the disk is full')])
  })

  it.each(['json', 'csv'])('is a problem, where none had (%s)', async (format) => {
    const { ask, report } = await listen()
    const asked = ask(`${PATH}&format=${format}`)
    ;(await report.page(1)).fails(new Error('the disk is full'))

    const answer = await asked
    expect(answer.status).toBe(500)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await answer.json()).toMatchObject({ code: 'internal_error' })
  })
})

it('computes longer than a connection may be silent', async () => {
  const { ask, report, port } = await listen({ silenceMs: 50 })
  const asked = ask()
  const first = await report.page(1)
  // The same silence ends a connection of the same age on which nothing was asked for.
  const idle = openRaw(port)
  await idle.closed()
  first.arrives()
  ;(await report.page(2)).ends()

  expect(await (await asked).text()).toContain(LINE)
})

it('lets four reports go on at once, so that calls do not wait for them', async () => {
  const { ask, report } = await listen()
  const asked = Array.from({ length: 6 }, () => ask())
  const pages = await Promise.all([1, 2, 3, 4].map((number) => report.page(number)))
  expect(report.begun()).toBe(4)

  for (const page of pages) page.ends()
  for (const number of [5, 6]) (await report.page(number)).ends()

  const answers = await Promise.all(asked)
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(Array(6).fill('[]\n'))
})
