import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'

const FOLDER = new URL('./public/', import.meta.url)
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}
/** Of every page: nothing but our own files, in no frame. @see OWASP ASVS 5.0 §3.4 */
export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
}

/**
 * `/`: the page for people, and its files below `/dashboard/`. The files are the same for everybody
 * and hold nothing; the browser asks the API for the rest with the key that the reader enters.
 */
export function registerDashboard(app: FastifyInstance): void {
  const files = readdirSync(FOLDER).filter((name) => extname(name) in TYPES)
  for (const name of files) {
    const content = readFileSync(new URL(name, FOLDER))
    const path = name === 'index.html' ? '/' : `/dashboard/${name}`
    app.get(path, { exposeHeadRoute: true }, (_request, reply) =>
      reply
        .type(TYPES[extname(name)] ?? 'text/plain')
        .headers(PAGE_HEADERS)
        .send(content),
    )
  }
}
