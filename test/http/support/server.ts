import { afterEach } from 'vitest'
import type { Database } from '../../../src/db/queryable.ts'
import type { PostbackReply, PostbackRequest } from '../../../src/flow/receive-postback.ts'
import type { Refusal } from '../../../src/flow/steps.ts'
import { buildServer, type HttpDeps } from '../../../src/http/server.ts'
import { createCallKeys } from '../../../src/keys.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'

export const CALL = '01890a5d-ac96-774b-bcce-b302099a8057'
export const ADMIN_KEY = 'admin-key-of-the-tests'

const keys = createCallKeys([{ version: 1, secret: 'secret of the tests' }])
/** Opens leg 1 of {@link CALL}. */
export const KEY = keys.derive(CALL, 1)
/** Well formed, and opens nothing of {@link CALL}. */
export const WRONG_KEY = keys.derive('01890a5d-ac96-774b-bcce-b302099a8058', 1)

export const CONVERTED: PostbackReply = {
  httpStatus: 200,
  status: 'converted',
  reason: 'posted_revenue',
  conversion: 'converted',
  revenue: '10.00',
  payout: '8.00',
}

/** A database that nobody may ask: whoever does gets an error that is not "away". */
const noDatabase: Database = {
  query: () => Promise.reject(new Error('no statement was expected')),
  transaction: () => Promise.reject(new Error('no transaction was expected')),
  close: () => Promise.resolve(),
}

/** A server whose flow is played by plain functions that write down what they got. */
export function openTestServer(overrides: Partial<HttpDeps> = {}) {
  const received: PostbackRequest[] = []
  const refusals: Refusal[] = []
  const logLines: string[] = []
  const app = buildServer({
    checkKey: (callUuid, key) => keys.check(callUuid, key),
    receivePostback: (request) => {
      received.push(request)
      return Promise.resolve(CONVERTED)
    },
    recordRefusal: (refusal) => void refusals.push(refusal),
    logger: createLogger({
      level: 'debug',
      destination: { write: (line) => void logLines.push(line) },
    }),
    database: noDatabase,
    adminApiKey: ADMIN_KEY,
    refreshConfiguration: () => Promise.resolve(),
    readiness: {},
    ...overrides,
  })
  closing.push(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  return { app, received, refusals, logLines }
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})
