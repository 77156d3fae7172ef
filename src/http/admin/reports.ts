import type { FastifyInstance } from 'fastify'
import type { Database } from '../../db/queryable.ts'
import { registerWhy } from './reports-why.ts'

/** What reports need from around them. */
export interface ReportsDeps {
  readonly database: Database
}

/** What operators ask of the money: why a call is worth what it is. */
export function registerReports(app: FastifyInstance, { database }: ReportsDeps): void {
  registerWhy(app, database)
}
