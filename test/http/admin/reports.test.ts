import { describe, expect, it } from 'vitest'
import { parseCampaignRules } from '../../../src/domain/configuration-document.ts'
import { expirePostbacks } from '../../../src/flow/expire-postbacks.ts'
import { aCampaignDocument } from '../../support/configuration.ts'
import { openTestDatabase } from '../../support/database.ts'
import { anEndedCall, flowOn, post } from '../../support/flow.ts'
import { ADMIN_KEY, openTestServer } from '../support/server.ts'

const { numbers: _, ...definition } = aCampaignDocument()
const database = await openTestDatabase()
const deps = await flowOn(database, parseCampaignRules(definition))
await database.query('alter table campaign_versions disable trigger user')
await database.query('update campaign_versions set definition = $1', [JSON.stringify(definition)])
const headers = { authorization: `Bearer ${ADMIN_KEY}` }

async function get(path: string) {
  const { app } = openTestServer({ database })
  const {
    statusCode,
    body,
    headers: answered,
  } = await app.inject({ url: `/api/v1${path}`, headers })
  return { statusCode, body, answered }
}

describe('GET /calls/{uuid}/why (B15)', () => {
  it('puts the decision in a sentence, with what stood in its way', async () => {
    const callUuid = await anEndedCall(deps)
    await database.setClock('601 seconds')
    await expirePostbacks(deps)
    await post(deps, callUuid, 'revenue=[revenue]')
    const { statusCode, body } = await get(`/calls/${callUuid}/why`)
    expect(statusCode).toBe(200)
    expect(JSON.parse(body)).toEqual({
      call_uuid: callUuid,
      conversion: 'not_converted',
      reason: 'no_postback',
      in_words: expect.stringMatching(
        /^not converted: no postback before \S+Z; one arrived at \S+Z with unreplaced macro \[revenue\]$/,
      ) as string,
    })
  })

  it('knows no call of that UUID', async () => {
    expect((await get('/calls/01890a5d-ac96-774b-bcce-b302099a8057/why')).statusCode).toBe(404)
    expect((await get('/calls/hello/why')).statusCode).toBe(404)
  })
})
