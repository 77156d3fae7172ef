import type { FastifyInstance } from 'fastify'
import { requireAdminKey } from '../auth.ts'
import { type CallsDeps, registerCalls } from './calls.ts'
import { type ConfigurationDeps, registerConfiguration } from './configuration.ts'
import { type DeliveriesDeps, registerDeliveries } from './deliveries.ts'
import { registerReports, type ReportsDeps } from './reports.ts'
import { registerTrackingUrls, type TrackingUrlsDeps } from './tracking-urls.ts'
import { registerWizard, type WizardDeps } from './wizard.ts'

/** What the API needs from around it. */
export interface ApiDeps
  extends CallsDeps, ConfigurationDeps, ReportsDeps, DeliveriesDeps, TrackingUrlsDeps, WizardDeps {
  readonly adminApiKey: string
}

/** What operators and their programs use, below `/api/v1` and behind the administrator's key. */
export function registerApi(app: FastifyInstance, deps: ApiDeps): void {
  void app.register(
    (scope, _options, done) => {
      scope.addHook('onRequest', requireAdminKey(deps.adminApiKey))
      registerConfiguration(scope, deps)
      registerCalls(scope, deps)
      registerDeliveries(scope, deps)
      registerTrackingUrls(scope, deps)
      registerWizard(scope, deps)
      registerReports(scope, deps)
      done()
    },
    { prefix: '/api/v1' },
  )
}
