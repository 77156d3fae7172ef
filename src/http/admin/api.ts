import type { FastifyInstance } from 'fastify'
import type { RequireKey } from '../auth.ts'
import { type ApiKeysDeps, registerApiKeys } from './api-keys.ts'
import { registerAudit } from './audit.ts'
import { type CallsDeps, registerCalls } from './calls.ts'
import { type ConfigurationDeps, registerConfiguration } from './configuration.ts'
import { type ConfiguredDeps, registerConfigured } from './configured.ts'
import { type DeliveriesDeps, registerDeliveries } from './deliveries.ts'
import { refuseStrayQuery } from './query.ts'
import { registerReports, type ReportsDeps } from './reports.ts'
import { API_PREFIX, roleNeededFor } from './roles.ts'
import { createSearch } from './search.ts'
import { registerTrackingUrls, type TrackingUrlsDeps } from './tracking-urls.ts'
import { registerWizard, type WizardDeps } from './wizard.ts'

/** What the API needs from around it. */
export interface ApiDeps
  extends
    CallsDeps,
    ConfigurationDeps,
    ConfiguredDeps,
    ReportsDeps,
    DeliveriesDeps,
    TrackingUrlsDeps,
    WizardDeps,
    ApiKeysDeps {
  readonly requireKey: RequireKey
}

/** What operators and their programs use, below `/api/v1` and behind a key whose role is enough. */
export function registerApi(app: FastifyInstance, deps: ApiDeps): void {
  void app.register(
    (scope, _options, done) => {
      scope.addHook('onRequest', deps.requireKey(roleNeededFor))
      scope.addHook('preHandler', refuseStrayQuery)
      takeEmptyJson(scope)
      const search = createSearch(deps.database)
      registerConfiguration(scope, deps)
      registerConfigured(scope, deps)
      registerCalls(scope, deps, search)
      registerDeliveries(scope, deps, search)
      registerTrackingUrls(scope, deps)
      registerWizard(scope, deps)
      registerReports(scope, deps, search)
      registerApiKeys(scope, deps)
      registerAudit(scope, search)
      done()
    },
    { prefix: API_PREFIX },
  )
}

/**
 * Many clients say of every request that it is JSON, also of those without a body. What needs one refuses its
 * absence by its schema.
 */
function takeEmptyJson(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error')
  scope.removeContentTypeParser('application/json')
  scope.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, text, parsed) => (text === '' ? parsed(null) : parse(request, text, parsed)),
  )
}
