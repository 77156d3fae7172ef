import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { StoredEntry } from '../db/ledger.ts'
import { readLedger } from '../db/ledger.ts'
import { listAnchors, type Placed, readRemains, type StoredAnchor } from '../db/ledger-anchors.ts'
import type { Queryable } from '../db/queryable.ts'
import { AppError } from '../domain/app-error.ts'
import type { CampaignRules } from '../domain/campaign.ts'
import { parseCampaignRules } from '../domain/configuration-document.ts'
import type { LedgerCounts, LedgerSource } from '../flow/verify-ledger.ts'

/**
 * One line of an export: the entries call by call, what remains of dropped months, then the rules, then the
 * anchors, and how many entries and anchors there were. Without its last line a file that was cut off would pass
 * for a shorter ledger.
 */
type Line =
  | {
      readonly line: 'rules'
      readonly campaign: string
      readonly version: number
      readonly definition: unknown
    }
  | ({ readonly line: 'entry' } & StoredEntry)
  | ({ readonly line: 'remains' } & Placed)
  | ({ readonly line: 'anchor' } & StoredAnchor)
  | ({ readonly line: 'end' } & LedgerCounts)

/** Writes the ledger to `file`, a line of JSON each, so that it can be verified without the database. */
export async function exportLedger(db: Queryable, file: string): Promise<number> {
  const out = createWriteStream(file)
  const failed = once(out, 'error').then(([error]) => {
    throw new AppError('invalid_configuration', `${file} cannot be written: name another file.`, {
      cause: error,
    })
  })
  failed.catch(() => {})
  let written = 0
  const write = async (lines: readonly Line[]) => {
    written += lines.length
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    if (!out.write(text)) await Promise.race([once(out, 'drain'), failed])
  }
  const anchors = await listAnchors(db)
  let entries = 0
  for await (const page of readLedger(db)) {
    entries += page.length
    await write(page.map((stored) => ({ ...stored, line: 'entry', call: undefined })))
  }
  for await (const page of readRemains(db)) {
    await write(page.map((placed) => ({ line: 'remains', ...placed })))
  }
  // Last: an entry may be of a version that came while the pages before it were written.
  await write(await rulesOf(db))
  await write(anchors.map((anchor) => ({ line: 'anchor', ...anchor })))
  await write([{ line: 'end', entries, anchors: anchors.length }])
  out.end()
  await Promise.race([once(out, 'finish'), failed])
  return written
}

async function rulesOf(db: Queryable): Promise<readonly Line[]> {
  const { rows } = await db.query<{ campaign: string; version: number; definition: unknown }>(
    `select campaign_id "campaign", version, definition from campaign_versions order by 1, 2`,
  )
  return rows.map((row) => ({ line: 'rules', ...row }))
}

/**
 * An export as a ledger to verify. The file is read twice; of every entry its place stays in memory.
 * @throws AppError where the file is not there, no export, or cut off
 */
export async function openExport(file: string): Promise<LedgerSource> {
  const rules = new Map<string, CampaignRules>()
  const places: Placed[] = []
  const anchors: StoredAnchor[] = []
  let remains = 0
  let counts: LedgerCounts | undefined
  for await (const line of readLines(file)) {
    counts = undefined
    switch (line.line) {
      case 'rules':
        rules.set(`${line.campaign} ${line.version}`, parseCampaignRules(line.definition))
        break
      case 'entry':
        places.push({ position: line.position, hash: line.hash })
        break
      case 'remains':
        places.push(line)
        remains++
        break
      case 'anchor':
        anchors.push(line)
        break
      case 'end':
        counts = line
    }
  }
  if (!counts) throw notAnExport(file, 'it was cut off, or an older version wrote it')
  places.sort((a, b) => a.position - b.position)
  return {
    entries: () => entriesOf(file),
    async *places() {
      yield places
    },
    anchors: async () => anchors,
    async campaignRules(campaignId, version) {
      const found = rules.get(`${campaignId} ${version}`)
      if (found) return found
      throw notAnExport(file, `it lacks version ${version} of campaign ${campaignId}`)
    },
    findCallWithoutEntry: async () => undefined,
    countRemains: async () => remains,
    counts,
  }
}

async function* entriesOf(file: string): AsyncGenerator<readonly StoredEntry[]> {
  for await (const line of readLines(file)) {
    if (line.line === 'entry') yield [{ ...line, call: undefined }]
  }
}

async function* readLines(file: string): AsyncGenerator<Line> {
  const input = createReadStream(file)
  try {
    for await (const text of createInterface({ input })) {
      const line = JSON.parse(text) as Partial<Line>
      if (line.line === undefined) throw notAnExport(file, 'a line says not what it is')
      yield line as Line
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw notAnExport(file, error instanceof Error ? error.message : 'unknown', error)
  }
}

const notAnExport = (file: string, why: string, cause?: unknown): AppError =>
  new AppError(
    'invalid_configuration',
    `${file} is no export of a ledger (${why}): write one with "bridgeback verify --export FILE".`,
    { cause },
  )
