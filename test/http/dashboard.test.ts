import { describe, expect, it } from 'vitest'
import { openTestServer } from './support/server.ts'

describe('the dashboard', () => {
  it('is a page for everybody that holds nothing and lets nothing in', async () => {
    const { app } = openTestServer()

    const answer = await app.inject({ url: '/' })

    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answer.headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('finds every file that its pages name, with the type that a browser insists on', async () => {
    const { app } = openTestServer()
    const seen = new Map<string, string>()
    const queue = ['/']

    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (seen.has(path)) continue
      const { statusCode, headers, body } = await app.inject({ url: path })
      seen.set(path, `${statusCode} ${String(headers['content-type'])}`)
      const named = body.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"|from '\.\/([^']+)'/g)
      for (const [, absolute, beside] of named) queue.push(absolute ?? `/dashboard/${beside}`)
    }

    expect(seen.get('/dashboard/app.js')).toBe('200 text/javascript; charset=utf-8')
    expect(seen.get('/dashboard/style.css')).toBe('200 text/css; charset=utf-8')
    expect([...seen.values()].filter((answer) => !answer.startsWith('200'))).toEqual([])
    expect(seen.size).toBeGreaterThan(10)
  })

  it('has no script or style inside a page, which its policy would refuse', async () => {
    const { app } = openTestServer()

    const { body } = await app.inject({ url: '/' })

    expect(body).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\bsrc=)/)
  })

  it.each(['/dashboard/../server.ts', '/dashboard/..%2fserver.ts', '/dashboard/tsconfig.json'])(
    'serves nothing else: %s',
    async (url) => {
      const { app } = openTestServer()

      expect((await app.inject({ url })).statusCode).toBe(404)
    },
  )
})
