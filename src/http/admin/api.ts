import type { FastifyInstance } from 'fastify'
import type { RequireKey } from '../auth.ts'
import { type ApiKeysDeps, registerApiKeys } from './api-keys.ts'
import { registerAudit } from './audit.ts'
import { type CallsDeps, registerCalls } from './calls.ts'
import { type ConfigurationDeps, registerConfiguration } from './configuration.ts'
import { type ConfiguredDeps, registerConfigured } from './configured.ts'
import { type DeliveriesDeps, registerDeliveries } from './deliveries.ts'
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
