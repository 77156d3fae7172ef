import type { FastifyInstance } from 'fastify'
import { PAGE_HEADERS } from '../dashboard/dashboard.ts'
import { buildDocument, type OpenApiDocument } from './document.ts'
import { renderDocument } from './page.ts'
import { z } from 'zod'
import { described, json } from './route-description.ts'
import { routesOf } from './registered-routes.ts'

/**
 * `/docs/json`: what there is, as an OpenAPI document; `/docs`: the same for people, without a script.
 * Both say what this version of the program can do and nothing about this installation.
 */
export function registerDocs(app: FastifyInstance): void {
  let document: OpenApiDocument | undefined
  const read = () => (document ??= buildDocument(routesOf(app)))
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
    read,
  )
  app.get('/docs', { exposeHeadRoute: true }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(renderDocument(read())),
  )
}
