import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { AppError } from '../domain/app-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type ApiDeps, registerApi } from './admin/api.ts'
import { createKeyChecks } from './auth.ts'
import { registerDashboard } from './dashboard/dashboard.ts'
import {
  buildProblem,
  PROBLEM_TYPE,
  type ProblemCode,
  problemCodeOf,
  SECURITY_HEADERS,
  sendProblem,
} from './errors.ts'
import { type HealthDeps, registerHealth } from './health.ts'
import { createKeyRing } from './key-ring.ts'
import { type MetricsDeps, registerMetrics } from './metrics.ts'
import { registerDocs } from './openapi/docs.ts'
import { noteRoutes } from './openapi/registered-routes.ts'
import { type PostbackDeps, registerPostbacks } from './postbacks.ts'
import { originOf } from './public-url.ts'

/** How long a client may take. */
export interface HttpTimeouts {
  /** From the first byte of a request to the last of its headers. */
  readonly headersMs: number
  /** From the first byte of a request to its last. */
  readonly requestMs: number
  /** Silence after which a connection with a request under way is closed. */
  readonly silenceMs: number
}

/** What the HTTP side needs from around it. */
export interface HttpDeps
  extends PostbackDeps, HealthDeps, Omit<ApiDeps, 'requireKey'>, Omit<MetricsDeps, 'requireKey'> {
  /** The first administrator's key. */
  readonly adminApiKey: string
  readonly logger: Logger
  /** CIDRs of proxies whose `X-Forwarded-For` is believed; none unless said. */
  readonly trustProxy?: readonly string[]
  readonly timeouts?: Partial<HttpTimeouts>
}

const URL_LENGTH_MAX = 2_048
const CONNECTIONS_MAX = 5_000
const ONCE = new Set(['host', 'authorization'])
/** How often Node looks for requests that take too long; it ends them that much later. */
const TIMEOUT_CHECK_MS = 500
const TIMEOUTS: HttpTimeouts = {
  headersMs: 5_000,
  requestMs: 10_000 - TIMEOUT_CHECK_MS,
  silenceMs: 15_000,
}

/**
 * Builds the HTTP side without listening: postbacks, API, health, dashboard and docs. Limits are those of a server
 * that strangers reach: slow, large and ambiguous requests are refused before a handler sees them.
 */
export function buildServer(deps: HttpDeps): FastifyInstance {
  const timeouts = { ...TIMEOUTS, ...deps.timeouts }
  const app = fastify({
    logger: false, // its request lines hold the URL, and the URL holds the key
    exposeHeadRoutes: false, // a HEAD may change things here, so each route says whether it takes it
    trustProxy: deps.trustProxy?.length ? [...deps.trustProxy] : false,
    bodyLimit: 64 * 1024,
    requestTimeout: timeouts.requestMs,
    connectionTimeout: timeouts.silenceMs,
    keepAliveTimeout: 72_000, // longer than common proxies keep theirs, so that they close first
    maxRequestsPerSocket: 1_000,
    http: { headersTimeout: timeouts.headersMs, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    return503OnClosing: false, // what has arrived is still answered, and the connection closed then
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      logRequest(deps.logger, request, reply)
      void sendProblem(reply.headers(SECURITY_HEADERS), problemCodeOf(error))
    },
  })
  app.server.maxConnections = CONNECTIONS_MAX
  noteRoutes(app)
  addHooks(app, deps.logger)
  registerPostbacks(app, deps)
  registerHealth(app, deps)
  const requireKey = createKeyChecks(createKeyRing(deps))
  registerMetrics(app, { ...deps, requireKey })
  registerApi(app, { ...deps, requireKey })
  registerDashboard(app)
  registerDocs(app)
  return app
}

function addHooks(app: FastifyInstance, logger: Logger): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS)
    const problem = findProblem(request.raw)
    if (!problem) return done()
    void sendProblem(reply.header('connection', 'close'), problem)
  })
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(logger, request, reply)
    done()
  })
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 'not_found'))
  app.setErrorHandler((error, request, reply) => {
    const code = problemCodeOf(error)
    if (code !== 'too_many_searches' && buildProblem(code).status >= 500) {
      logger.error('http.failed', { request_id: request.id, error })
    }
    return sendProblem(reply, code)
  })
}

/** What Node lets through. It takes the first of two Host headers, a proxy may take the second. */
function findProblem({ url = '', rawHeaders }: IncomingMessage): ProblemCode | undefined {
  if (url.length > URL_LENGTH_MAX) return 'url_too_long'
  const seen = new Set<string>()
  for (const [index, text] of rawHeaders.entries()) {
    if (index % 2 !== 0 || (text.length !== 4 && text.length !== 13)) continue
    const name = text.toLowerCase()
    if (seen.has(name) && ONCE.has(name)) return 'repeated_header'
    seen.add(name)
  }
  return undefined
}

/** One line a request: the route's pattern, never the URL. @see behaviour B7 */
function logRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  logger.info('http.request', {
    request_id: request.id,
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime * 1000) / 1000,
    source: request.ip,
  })
}

const CLIENT_ERRORS: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** What is not HTTP, or is not all there in time, gets one answer and the connection is closed. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  const problem = CLIENT_ERRORS[error.code ?? ''] ?? 'malformed_request'
  if (!isAwaitingAnswer(socket) || problem === 'request_timeout') writeProblem(socket, problem)
  socket.destroySoon()
}

/**
 * While an earlier request on the connection is unanswered, the next bytes that are sent answer
 * *it*: a client whose postback is being stored must not read that it was malformed.
 */
function isAwaitingAnswer(socket: Socket): boolean {
  return '_httpMessage' in socket && socket._httpMessage !== null
}

function writeProblem(socket: Socket, code: ProblemCode): void {
  if (!socket.writable) return
  const problem = buildProblem(code)
  const body = JSON.stringify(problem)
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${body}`)
}

/** A server that listens. */
export interface HttpServer {
  /** Where this machine reaches it, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Takes no new connections, answers what has arrived, and closes the rest after a while. */
  close(): Promise<void>
}

const CLOSE_GRACE_MS = 5_000

/**
 * Listens; port 0 takes a free one.
 * @throws AppError `port_in_use`, or `invalid_configuration` for an address that is not ours
 */
export async function startHttp(
  app: FastifyInstance,
  {
    host,
    port,
    closeGraceMs = CLOSE_GRACE_MS,
  }: {
    readonly host: string
    readonly port: number
    readonly closeGraceMs?: number
  },
): Promise<HttpServer> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw describeListenError(error, host, port)
  }
  const address = app.server.address()
  const boundPort = typeof address === 'object' && address ? address.port : port
  return {
    url: originOf({ host, port: boundPort }),
    port: boundPort,
    close: () => closeWithin(app, closeGraceMs),
  }
}

/**
 * Once a server is closing, Node neither ends slow requests nor closes connections whose last request
 * has been answered; so that is done here.
 */
async function closeWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const answered = setInterval(() => app.server.closeIdleConnections(), 20)
  const tooSlow = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearInterval(answered)
    clearTimeout(tooSlow)
  }
}

function describeListenError(cause: unknown, host: string, port: number): unknown {
  const at = `HTTP ${host}:${port}`
  switch ((cause as { code?: unknown }).code) {
    case 'EADDRINUSE':
      return new AppError(
        'port_in_use',
        `${at} is in use: stop what listens there, or set HTTP_PORT to another port (0 takes a free one).`,
        { cause },
      )
    case 'EADDRNOTAVAIL':
      return new AppError(
        'invalid_configuration',
        `${at} is not an address of this machine: set HTTP_HOST to one that is.`,
        { cause },
      )
    case 'EACCES':
      return new AppError(
        'invalid_configuration',
        `${at} needs privileges that this user does not have: set HTTP_PORT to 1024 or above.`,
        { cause },
      )
    default:
      return cause
  }
}
