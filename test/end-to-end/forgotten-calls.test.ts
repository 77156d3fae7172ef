import { expect, it } from 'vitest'
import { openTestDatabase } from '../support/database.ts'
import { makeDataDir, startService } from '../support/service.ts'
import { waitFor } from '../support/wait.ts'

it('a call that was stored late is ended by its own process, though it lives', async () => {
  const database = await openTestDatabase()
  const { user, password = '', host, port, database: name } = database.connection
  await startService(await makeDataDir(), {
    DATABASE_URL: `postgresql://${user}:${password}@${encodeURIComponent(host)}:${port}/${name}`,
  })
  await database.query(`insert into campaign_versions values ('solar', 1, $1)`, [
    { id: 'solar', name: 'Solar leads' },
  ])
  await database.query(
    `insert into calls (call_uuid, process_id, campaign_id, campaign_version, publisher_id, dialed_number,
                        sip_call_id, started_at)
     select gen_random_uuid(), process_id, 'solar', 1, 'acme', '+18005550100', 'a@b', app_now()
       from processes`,
  )
  const ended = await waitFor(
    async () => {
      const { rows } = await database.query(
        `select end_reason, reason from calls where state = 'ended'`,
      )
      return rows[0]
    },
    { what: 'the call to be ended', deadlineMs: 15_000 },
  )
  expect(ended).toEqual({ end_reason: 'bridge_lost', reason: 'not_connected' })
}, 90_000)
