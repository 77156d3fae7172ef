import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { exportLedger, openExport } from '../../src/cli/verify-export.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { parseCampaignRules } from '../../src/domain/configuration-document.ts'
import { verifyLedger } from '../../src/flow/verify-ledger.ts'
import { aCampaignDocument } from '../support/configuration.ts'
import { openTestDatabase } from '../support/database.ts'
import { anEndedCall, flowOn, post } from '../support/flow.ts'

it('holds the rules of what was settled while it was written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-export-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ledger.jsonl')
  const database = await openTestDatabase()
  const { numbers: _, ...definition } = aCampaignDocument()
  const deps = await flowOn(database, parseCampaignRules(definition))
  await database.query('alter table campaign_versions disable trigger user')
  await database.query('update campaign_versions set definition = $1', [definition])
  const applyAndSettle = async () => {
    await database.query(`insert into campaign_versions values ('solar', 2, $1)`, [definition])
    const callUuid = await anEndedCall(deps)
    await database.query(`update calls set campaign_version = 2 where call_uuid = $1`, [callUuid])
    expect((await post(deps, callUuid, 'revenue=10.00')).status).toBe('converted')
  }
  let applying: Promise<void> | undefined
  const meanwhile: Queryable = {
    async query(statement, values) {
      const isPage = typeof statement !== 'string' && statement.name === 'read-ledger'
      if (isPage) await (applying ??= applyAndSettle())
      return database.query(statement, values)
    },
  }
  await exportLedger(meanwhile, file)
  expect(await verifyLedger(await openExport(file))).toMatchObject({ kind: 'right', entries: 1 })
})
