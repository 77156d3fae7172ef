import type { Database, NamedStatement, Queryable } from '../../src/db/queryable.ts'

/** A mistake that a test makes on purpose, to see that the model notices it. */
export type Bug =
  | 'none'
  | 'no lock before the read'
  | 'outbox written after commit'
  | 'amounts in floats'
  | 'deadline by the process clock'
  | 'answer before commit'

const DEADLINE = 'settle_at <= app_now()'
const IS_PAST = '<= app_now()'

/** How far the clock of a process with the wrong clock is ahead. */
const AHEAD = '400 seconds'

/** The connection is lost at a commit: before it has happened, or after it. */
export type Fault = 'rolled_back' | 'answer_lost' | undefined

/** The database as a process with this bug uses it; `fault` says what becomes of each commit. */
export function withBug(database: Database, bug: Bug, fault: () => Fault): Database {
  return {
    ...database,
    query: rewrite(database, bug, []).query,
    async transaction(work, options) {
      const planned = fault()
      const late: (string | NamedStatement)[] = []
      const lost = new LostConnection()
      let result: Awaited<ReturnType<typeof work>> | undefined
      const committing = database.transaction(async (db) => {
        const outcome = await work(rewrite(db, bug, late))
        result = outcome
        if (planned === 'rolled_back') throw lost
        return outcome
      }, options)
      if (bug === 'answer before commit') {
        await committing.catch(() => {})
        return result as Awaited<ReturnType<typeof work>>
      }
      const done = await committing
      if (planned === 'answer_lost') throw lost
      for (const statement of late) await database.query(statement)
      return done
    },
  }
}

class LostConnection extends Error {
  readonly code = 'ECONNRESET'
}

function rewrite(db: Queryable, bug: Bug, late: (string | NamedStatement)[]): Queryable {
  return {
    async query(statement, values) {
      const changed = typeof statement === 'string' ? statement : change(statement, bug)
      const name = typeof statement === 'string' ? '' : statement.name
      if (bug === 'outbox written after commit' && name === 'enqueue-deliveries') {
        late.push(changed)
        return { rows: [], rowCount: 0 }
      }
      const answer = await db.query<never>(changed, values)
      // Nobody waits for anybody: what was read grows old before it is used.
      if (bug === 'no lock before the read' && name === 'load-calls') {
        await db.query('select pg_sleep(0.002)')
      }
      return answer
    },
  }
}

function change(statement: NamedStatement, bug: Bug): NamedStatement {
  const { name, text, values } = statement
  if (bug === 'no lock before the read' && name === 'lock-calls') {
    return { name: `${name}-not`, text: text.replace(/order by.*/s, ''), values: values ?? [] }
  }
  if (bug === 'deadline by the process clock' && text.includes(DEADLINE)) {
    const ahead = text.replaceAll(IS_PAST, `${IS_PAST} + interval '${AHEAD}'`)
    return { name: `${name}-ahead`, text: ahead, values: values ?? [] }
  }
  if (bug === 'amounts in floats' && name === 'append-settlements' && Array.isArray(values)) {
    return { ...statement, values: inFloats(text, values as readonly string[]) }
  }
  return statement
}

/** Once more, as many a program does it. */
function inFloats(text: string, columns: readonly string[]): readonly string[] {
  const names = /as new \((.*?)\)/s.exec(text)?.[1]?.split(', ') ?? []
  const column = (name: string) => (columns[names.indexOf(name)] ?? '').slice(1, -1).split(',')
  const [bases, revenues] = [column('basis'), column('revenue').map(numberOf)]
  const payouts = column('payout').map((payout, index) => {
    const revenue = revenues[index] ?? 0
    if (!bases[index]?.startsWith('"posted')) return payout
    const share = numberOf(payout) < revenue ? 0.8 : 1.005
    return Math.round(revenue * share * 100) / 100
  })
  return columns.with(names.indexOf('payout'), `{${payouts.join(',')}}`)
}

const numberOf = (quoted: string): number => Number(quoted.replaceAll('"', ''))
