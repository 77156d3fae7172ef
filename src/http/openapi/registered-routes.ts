import type { FastifyInstance } from 'fastify'
import type { RouteDescription } from './route-description.ts'

/** A route for one method. */
export interface RegisteredRoute {
  readonly method: string
  /** As registered, as in `/calls/:uuid`. */
  readonly url: string
  readonly description: RouteDescription | undefined
}

const ROUTES = new WeakMap<FastifyInstance, RegisteredRoute[]>()

/** Notes every route that is registered from now on. */
export function noteRoutes(app: FastifyInstance): void {
  const routes: RegisteredRoute[] = []
  ROUTES.set(app, routes)
  app.addHook('onRoute', ({ method, url, config }) => {
    const description = config?.description
    for (const each of [method].flat()) routes.push({ method: each, url, description })
  })
}

/** What has been noted, in the order of registration; complete once the app is ready. */
export const routesOf = (app: FastifyInstance): readonly RegisteredRoute[] => ROUTES.get(app) ?? []
