import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { exportLedger, openExport } from '../../src/cli/verify-export.ts'
import { ledgerOf } from '../../src/cli/verify.ts'
import { readLedger, type StoredEntry } from '../../src/db/ledger.ts'
import { listAnchors } from '../../src/db/ledger-anchors.ts'
import type { Queryable } from '../../src/db/queryable.ts'
import { hashEntry } from '../../src/db/ledger-hash.ts'
import { anchorLedger } from '../../src/flow/anchor-ledger.ts'
import { expirePostbacks } from '../../src/flow/expire-postbacks.ts'
import { type LedgerSource, verifyLedger } from '../../src/flow/verify-ledger.ts'
import { parseCampaignRules } from '../../src/domain/configuration-document.ts'
import { aCampaignDocument } from '../support/configuration.ts'
import {
  anEndedCall,
  beginCall,
  bridgeCall,
  endCall,
  openFlow,
  post,
  silent,
} from '../support/flow.ts'
import { waitFor } from '../support/wait.ts'

const { numbers: _, ...definition } = aCampaignDocument({
  conversion_groups: [
    {
      id: 'long',
      type: 'duration',
      filters: { tags: { kind: 'long' } },
      conversions: [{ name: '60s', seconds: 60, revenue: '12.00', payout: '6.00' }],
    },
    {
      id: 'sales',
      type: 'postback',
      dedupe_seconds: 60,
      conversions: [
        { name: 'flat', trigger: 'sale=true', revenue: '25.00', payout: '20.00' },
        { name: 'posted', value: 'posted', payout_modifier: '/3-1' },
      ],
    },
  ],
})

/** Transactions of other tests on the same server may hold an anchor back for a while. */
const anchored = (db: Queryable, round: () => Promise<boolean>, anchors: number) =>
  waitFor(
    async () => {
      await round()
      return (await listAnchors(db)).length === anchors
    },
    { what: `anchor ${anchors}` },
  )

/** A ledger with an entry of every kind, anchored. */
async function aLedger() {
  const { database, deps } = await openFlow(parseCampaignRules(definition))
  await database.query('alter table campaign_versions disable trigger user')
  await database.query('update campaign_versions set definition = $1', [JSON.stringify(definition)])
  const callers = ['0', '1', '2', '3', '4', '5'].map((last) => `+1212555010${last}`)
  const [one = '', two = '', three = '', four = ''] = await Promise.all(
    callers.map((callerNumber) => anEndedCall(deps, { callerNumber })),
  )
  await post(deps, one, 'revenue=10.00&txid=a')
  await post(deps, one, 'revenue=12.50&txid=b')
  await post(deps, one, 'revenue=12.50&txid=b')
  await post(deps, one, 'reversed=true')
  await post(deps, two, 'sale=true')
  const again = await anEndedCall(deps, { callerNumber: '+12125550101' })
  await post(deps, again, 'sale=true')
  const long = await beginCall(deps, { callerNumber: '+12125550109' })
  await bridgeCall(deps, long)
  await post(deps, long.callUuid, 'kind=long&revenue=1')
  await endCall(deps, long.callUuid)
  const silentCall = await beginCall(deps, { callerNumber: '+12125550108' })
  await endCall(deps, silentCall.callUuid, undefined)
  await database.setClock('601 seconds')
  await expirePostbacks(deps)
  await post(deps, three, 'revenue=0.01')
  await post(deps, four, 'revenue=999999')
  const round = anchorLedger({ database, log: silent })
  await anchored(database, round, 1)
  await post(deps, four, 'revenue=999998')
  await anchored(database, round, 2)
  return { database, callUuid: one }
}

const { database, callUuid } = await aLedger()
const verifyNow = () => verifyLedger(ledgerOf(database))

/** Undoes what a test changed: as owner of the tables, behind the triggers' backs. */
async function tamper(change: string, values: readonly unknown[] = []): Promise<void> {
  const tables = ['settlements', 'postbacks', 'ledger_anchors', 'calls', 'campaign_versions']
  for (const table of tables) await database.query(`alter table ${table} disable trigger user`)
  await database.query(change, values)
}

describe('verifyLedger', () => {
  it('derives every entry again, and the anchors hold', async () => {
    expect(await verifyNow()).toMatchObject({ kind: 'right', entries: 14, calls: 9, anchors: 2 })
  })

  it.each([
    ['an amount', 'update settlements set payout = payout + 0.01', 'has been changed'],
    ['a reason', `update settlements set steps = '["because"]'`, 'has been changed'],
    ['a fact', 'update settlements set connected_ms = 1', 'has been changed'],
    [
      'a time',
      `update settlements set decided_at = decided_at - interval '1 h'`,
      'has been changed',
    ],
    [
      'a link',
      `update settlements set previous_hash = hash`,
      'is not chained to the entry before it',
    ],
  ])('names the entry of which %s was changed', async (_, change, problem) => {
    const where = ' where call_uuid = $1 and revision = 2'
    const before = await database.query('select * from settlements' + where, [callUuid])
    await tamper(change + where, [callUuid])
    expect(await verifyNow()).toEqual({
      kind: 'wrong',
      place: `entry 2 of call ${callUuid}`,
      problem,
    })
    const [row] = before.rows
    await database.query(
      `update settlements set payout = $2, steps = $3, connected_ms = $4, decided_at = $5,
              previous_hash = $6 ${where}`,
      [
        callUuid,
        row?.['payout'],
        JSON.stringify(row?.['steps']),
        row?.['connected_ms'],
        row?.['decided_at'],
        row?.['previous_hash'],
      ],
    )
    expect(await verifyNow()).toMatchObject({ kind: 'right' })
  })

  it('is not deceived by a new hash: the amount does not follow from the facts', async () => {
    const entries: StoredEntry[] = []
    for await (const page of readLedger(database)) entries.push(...page)
    const first = entries.find(({ entry }) => entry.call_uuid === callUuid)
    assert(first)
    const forged = { ...first.entry, payout: '9.99' }
    const hash = hashEntry(first.previousHash, forged)
    const source: LedgerSource = {
      ...ledgerOf(database),
      async *entries() {
        yield [{ ...first, entry: forged, hash }]
      },
    }
    expect(await verifyLedger(source)).toMatchObject({
      place: `entry 1 of call ${callUuid}`,
      problem:
        'does not follow from its facts, which make it converted with 10.00 and 2.33 (posted_revenue)',
    })
  })

  it.each([
    [
      'an entry in the middle',
      'delete from settlements where call_uuid = $1 and revision = 2',
      /^entry 3 of call/,
      'is not chained to the entry before it',
    ],
    [
      'the last entry of a call',
      'delete from settlements where call_uuid = $1 and revision = 3',
      /^call /,
      'does not stand as its last entry says',
    ],
    [
      'all entries of a call',
      'delete from settlements where call_uuid = $1',
      /^call /,
      'its last entry is missing',
    ],
    [
      'a postback',
      'delete from postbacks where call_uuid = $1',
      /^entry 1 of call/,
      /names postback .* not there/,
    ],
    [
      'the money on the call',
      'update calls set payout = 1 where call_uuid = $1',
      /^call /,
      'does not stand as its last entry says',
    ],
    [
      'an anchor',
      'delete from ledger_anchors where anchor = 1 and $1 <> gen_random_uuid()',
      /^anchor 2/,
      'is not chained to the anchor before it',
    ],
    [
      'the rules',
      `update campaign_versions set definition = jsonb_set(definition, '{conversion_groups,1,conversions,1,payout_modifier}', '"*1"') where $1 <> gen_random_uuid()`,
      /^entry 1 of call/,
      /^does not follow from its facts/,
    ],
    [
      'a call with all that belongs to it',
      'select forget($1)',
      /^anchor 1/,
      'covers 13 entries, and 10 are there',
    ],
  ])('notices that %s was removed or changed', async (_, change, place, problem) => {
    await tamper(`create or replace function forget(uuid) returns void language sql as $$
      delete from lanes where call_uuid = $1; delete from deliveries where call_uuid = $1;
      delete from settlements where call_uuid = $1; delete from postbacks where call_uuid = $1;
      delete from legs where call_uuid = $1; delete from calls where call_uuid = $1 $$`)
    const undone = new Error('undone')
    const work = database.transaction(async (db) => {
      await db.query(change, [callUuid])
      const source = ledgerOf({ ...database, query: db.query, transaction: (work) => work(db) })
      expect(await verifyLedger(source)).toEqual({
        kind: 'wrong',
        place: expect.stringMatching(place) as string,
        problem: expect.stringMatching(problem) as string,
      })
      throw undone
    })
    await expect(work).rejects.toBe(undone)
  })
})

describe('an export', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bridgeback-verify-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ledger.jsonl')

  it('is verified without the database, and shows what was changed in it', async () => {
    await exportLedger(database, file)
    expect(await verifyLedger(await openExport(file))).toMatchObject({ kind: 'right', entries: 14 })
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('"revenue":"12.500000"', '"revenue":"13.500000"'))
    expect(await verifyLedger(await openExport(file))).toMatchObject({
      problem: 'has been changed',
    })
    const lines = text.split('\n').filter((line) => !line.includes(callUuid))
    writeFileSync(file, lines.join('\n'))
    expect(await verifyLedger(await openExport(file))).toMatchObject({ place: 'anchor 1' })
  })

  it.each<[string, (text: string) => string]>([
    ['before its first line', () => ''],
    ['after its first line', (text) => text.slice(0, text.indexOf('\n') + 1)],
    ['before its last line', (text) => text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)],
    ['in the middle of a line', (text) => text.slice(0, -20)],
  ])('that was cut off %s is none', async (_, cut) => {
    await exportLedger(database, file)
    writeFileSync(file, cut(readFileSync(file, 'utf8')))
    await expect(openExport(file)).rejects.toThrow(/is no export of a ledger .* --export FILE/)
  })

  it('that lacks what it says it has is wrong', async () => {
    await exportLedger(database, file)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const kept = lines.filter((line) => !line.startsWith('{"line":"anchor"'))
    writeFileSync(file, kept.join('\n'))

    expect(await verifyLedger(await openExport(file))).toEqual({
      kind: 'wrong',
      place: 'the ledger',
      problem: 'has 14 of 14 entries and 0 of 2 anchors',
    })
  })

  it('that is none says what to do', async () => {
    writeFileSync(file, 'hello\n')
    await expect(openExport(file)).rejects.toThrow(/is no export of a ledger .* --export FILE/)
  })
})
