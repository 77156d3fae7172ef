import { describe, expect, it } from 'vitest'
import type { OpenApiDocument } from '../../../src/http/openapi/document.ts'
import { described } from '../../../src/http/openapi/route-description.ts'
import { renderSchema } from '../../../src/http/openapi/schema-html.ts'
import { waitFor } from '../../support/wait.ts'
import { openTestServer } from '../support/server.ts'

describe('/docs', () => {
  const read = async () => {
    const { app } = openTestServer()
    const document = (await app.inject('/docs/json')).json<OpenApiDocument>()
    return { app, document, page: await app.inject('/docs') }
  }

  it('tells every operation and every schema of the document', async () => {
    const { document, page } = await read()
    const anchors = [...page.body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    const operations = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    )
    const schemas = Object.keys(document.components.schemas).map((id) => `schema-${id}`)
    expect([...operations, ...schemas].filter((id) => !anchors.includes(id))).toEqual([])
  })

  it('needs no script and nothing from elsewhere', async () => {
    const { app, page } = await read()
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.body).not.toMatch(/<script|style="|https?:\/\//)
    const files = [...page.body.matchAll(/<link[^>]+href="([^"]+)"/g)].map(([, file = '']) => file)
    expect(files).toHaveLength(2)
    for (const file of files) expect((await app.inject(file)).statusCode).toBe(200)
  })

  it('is written when the server begins to listen, and not for who asks for it', async () => {
    const { app } = openTestServer()
    let written = 0
    const counting = {
      ...described({ group: 'Monitoring', summary: '', answers: {} }).config.description,
      get summary() {
        written += 1
        return 'Counts how often it is written'
      },
    }
    app.get('/counted', { config: { description: counting } }, () => '')
    await app.listen({ port: 0, host: '127.0.0.1' })
    await waitFor(() => written > 0, { what: 'the page to be written' })

    const before = written
    for (const path of ['/docs', '/docs/json', '/docs']) {
      expect((await app.inject(path)).body).toContain('Counts how often it is written')
    }
    expect(written).toBe(before)
  })

  it('links only to what it holds', async () => {
    const { page } = await read()
    const targets = [...page.body.matchAll(/href="#([^"]+)"/g)].map(([, id = '']) => id)
    expect(targets.filter((id) => !page.body.includes(` id="${id}"`))).toEqual([])
    expect(targets.length).toBeGreaterThan(20)
  })
})

describe('a schema in words', () => {
  it.each([
    [{ type: 'string', format: 'date-time' }, 'string, date-time'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'integer | null'],
    [{ type: 'integer', minimum: 1, maximum: 200 }, 'integer, at least 1, at most 200'],
    [{ enum: ['a', '<b>'] }, '<code>&quot;a&quot;</code> | <code>&quot;&lt;b&gt;&quot;</code>'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, 'object of string'],
    [
      { type: 'array', items: { $ref: '#/components/schemas/Call' } },
      'list of <a href="#schema-Call">Call</a>',
    ],
    [{ not: {} }, 'absent'],
    [{}, 'anything'],
    [
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      'object<ul class="members"><li><code>a</code> string</li></ul>',
    ],
    [
      { type: 'object', properties: { a: { type: 'string', default: 'x', description: '`A`.' } } },
      'object<ul class="members"><li><code>a</code> string – <span class="fine">may be absent</span>; ' +
        '<span class="fine">unless said</span> <code>&quot;x&quot;</code>; <code>A</code>.</li></ul>',
    ],
    [
      {
        type: 'object',
        properties: { a: { description: 'A.', type: 'object', properties: { b: {} } } },
        required: ['a'],
      },
      'object<ul class="members"><li><code>a</code> object – A.' +
        '<ul class="members"><li><code>b</code> anything – <span class="fine">may be absent</span></li></ul></li></ul>',
    ],
  ])('of %o is %s', (schema, html) => {
    expect(renderSchema(schema)).toBe(html)
  })
})
