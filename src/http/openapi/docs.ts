import type { FastifyInstance } from 'fastify'
import { PAGE_HEADERS } from '../dashboard/dashboard.ts'
import { buildDocument } from './document.ts'
import { renderDocument } from './page.ts'
import { z } from 'zod'
import { described, json } from './route-description.ts'
import { routesOf } from './registered-routes.ts'

/**
 * `/docs/json`: what there is, as an OpenAPI document; `/docs`: the same for people, without a script.
 * Both say what this version of the program can do and nothing about this installation. They are written once,
 * when the server begins to listen: strangers may ask for them, and writing takes a fifth of a second in which
 * nothing else happens.
 */
export function registerDocs(app: FastifyInstance): void {
  let texts: Texts | undefined
  const read = () => (texts ??= write(app))
  app.addHook('onListen', (done) => {
    read()
    done()
  })
  app.get(
    '/docs/json',
    {
      exposeHeadRoute: true,
      ...described({
        group: 'Monitoring',
        summary: 'This document',
        answers: {
          200: json('What there is, as OpenAPI 3.1.', z.looseObject({ openapi: z.string() })),
        },
      }),
    },
    (_request, reply) => reply.type('application/json; charset=utf-8').send(read().json),
  )
  app.get('/docs', { exposeHeadRoute: true }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(read().html),
  )
}

interface Texts {
  readonly json: string
  readonly html: string
}

function write(app: FastifyInstance): Texts {
  const document = buildDocument(routesOf(app))
  return { json: JSON.stringify(document), html: renderDocument(document) }
}
