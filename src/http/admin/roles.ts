import type { FastifyRequest } from 'fastify'
import type { KeyRole } from '../../domain/api-key.ts'

/** Where the API begins. */
export const API_PREFIX = '/api/v1'

/** Who may use which route: this role, and those above it. What is not in here is for administrators. */
export const ROLE_NEEDED: Readonly<Record<string, KeyRole>> = {
  'GET /calls': 'viewer',
  'GET /calls/:uuid': 'viewer',
  'GET /calls/:uuid/timeline': 'viewer',
  'GET /calls/:uuid/why': 'viewer',
  'GET /postbacks': 'viewer',
  'GET /settlements': 'viewer',
  'GET /postback-log': 'viewer',
  'GET /reports': 'viewer',
  'GET /deliveries': 'viewer',
  'GET /deliveries/:id': 'viewer',
  'POST /deliveries/:id/resend': 'operator',
  'POST /deliveries/resend': 'operator',
  'GET /tracking-urls': 'viewer',
  'POST /tracking-urls/:id/test': 'operator',
  'POST /tracking-urls/preview': 'viewer',
  'GET /wizard/buyer-urls': 'viewer',
  'GET /publishers': 'viewer',
  'GET /publishers/:id': 'viewer',
  'GET /buyers': 'viewer',
  'GET /buyers/:id': 'viewer',
  'GET /trunks': 'viewer',
  'GET /trunks/:id': 'viewer',
  'GET /campaigns': 'viewer',
  'GET /campaigns/:id': 'viewer',
  'GET /numbers': 'viewer',
  'GET /numbers/:number': 'viewer',
  // The passwords of buyers and trunks and the secrets of tracking URLs stand in it.
  'GET /configuration': 'operator',
  'PUT /configuration': 'administrator',
  'GET /audit': 'operator',
  'GET /api-keys': 'administrator',
  'POST /api-keys': 'administrator',
  'DELETE /api-keys/:id': 'administrator',
}

/** The role that a route of the API takes; its URL is the one that it was registered with. */
export const roleNeeded = (method: string, url: string): KeyRole =>
  ROLE_NEEDED[`${method} ${url.slice(API_PREFIX.length)}`] ?? 'administrator'

/** The role that a request to the API takes. */
export const roleNeededFor = ({ method, routeOptions }: FastifyRequest): KeyRole =>
  roleNeeded(method, routeOptions.url ?? '')
