import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/db/queryable.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { flowOn } from '../support/flow.ts'
import type { CallingSettings, Order, Tally } from './support/calling-process.ts'

const CAPS = {
  at_once: { concurrent: 30 },
  hour: { hourly: 40 },
  day: { daily: 50 },
  ever: { total: 60 },
} satisfies CallingSettings['caps']
type BuyerId = keyof typeof CAPS
const BUYERS = Object.keys(CAPS) as BuyerId[]
const CAP_OF: Readonly<Record<BuyerId, number>> = { at_once: 30, hour: 40, day: 50, ever: 60 }

/** A process that takes calls; ended with the test. */
interface Calling {
  readonly tell: (order: Order) => Promise<Tally>
  readonly kill: () => Promise<void>
}

function startCalling({ connection }: TestDatabase): Calling {
  const path = new URL('support/calling-process.ts', import.meta.url)
  const child: ChildProcess = fork(path, [JSON.stringify({ connection, caps: CAPS })], {
    execArgv: [],
  })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  return {
    async tell(order) {
      const ended = exited.then(() => Promise.reject(new Error('the process has ended')))
      child.send(order)
      const [tally] = (await Promise.race([once(child, 'message'), ended])) as [Tally]
      return tally
    },
    kill,
  }
}

/** Both do the same at the same time; what they have done together. */
async function together(processes: readonly Calling[], order: Order): Promise<Tally> {
  const tallies = await Promise.all(processes.map(({ tell }) => tell(order)))
  return sum(...tallies)
}

function sum(...tallies: readonly Tally[]): Tally {
  const names = new Set(tallies.flatMap((tally) => Object.keys(tally)))
  return Object.fromEntries(
    [...names].map((name) => [name, tallies.reduce((total, each) => total + (each[name] ?? 0), 0)]),
  )
}

/**
 * Sets the clock so that no hour begins during the test, and makes every commit fail that leaves a buyer with
 * more calls than its cap. Gives the clock's offset in seconds.
 */
async function prepare(database: TestDatabase): Promise<number> {
  await flowOn(database)
  const offset = Math.round(900 - ((Date.now() / 1_000) % 3_600))
  await database.setClock(`${offset} seconds`)
  const caps = BUYERS.map((buyerId) => `('${buyerId}', ${CAP_OF[buyerId]})`)
  await database.query(`
    create function refuse_excess() returns trigger language plpgsql as $$
    begin
      if (select count(*) from held_places where buyer_id = new.buyer_id) >
         (select cap from (values ${caps.join(', ')}) as caps (buyer_id, cap)
           where caps.buyer_id = new.buyer_id)
      then raise exception 'buyer % has more calls than its cap', new.buyer_id; end if;
      return null;
    end $$;
    create constraint trigger no_excess after insert on held_places
      deferrable initially deferred for each row execute function refuse_excess()`)
  return offset
}

/** What each cap counts, and the places that are held. */
async function counted(database: Database): Promise<Tally> {
  const { rows } = await database.query<{ name: string; count: number }>(
    `select buyer_id as name, case buyer_id when 'at_once' then concurrent when 'hour' then hourly
                                            when 'day' then daily else total end::int as count
       from buyer_loads
     union all select 'held', count(*)::int from held_places
     union all select 'live', sum(concurrent)::int from buyer_loads`,
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

const placesIn = (tally: Tally): number =>
  BUYERS.reduce((total, buyerId) => total + (tally[buyerId] ?? 0), 0)

it('no cap is exceeded, left unused or kept by the dead while two processes take 200 calls at once', async () => {
  const database = await openTestDatabase()
  const offset = await prepare(database)
  const [first, second] = [startCalling(database), startCalling(database)]
  await together([first, second], { kind: 'beat' })

  expect(await together([first, second], { kind: 'begin', count: 100 })).toEqual({
    ...CAP_OF,
    nobody: 20,
  })
  expect(await counted(database)).toEqual({ ...CAP_OF, held: 180, live: 180 })

  // What some give back when they end is taken by others, who go on to their next buyer meanwhile.
  await together([first, second], { kind: 'answer', every: 2 })
  const answered = await together([first, second], { kind: 'end' })
  const past = { ...answered, at_once: 0 }
  expect(await counted(database)).toMatchObject({ ...past, held: 0, live: 0 })

  const [ofFirst = {}, ofSecond = {}] = await Promise.all(
    [first, second].map(({ tell }) => tell({ kind: 'begin', count: 100 })),
  )
  const live = placesIn(ofFirst) + placesIn(ofSecond)
  expect(await counted(database)).toEqual({ ...CAP_OF, held: live, live })

  const talked = await second.tell({ kind: 'answer', every: 3 })
  await second.kill()
  await database.setClock(`${offset + 60} seconds`)
  await first.tell({ kind: 'beat' })
  expect(await first.tell({ kind: 'recover' })).toEqual({ closed: 100 })
  const { nobody: _, ...left } = sum(past, ofFirst, { ...talked, at_once: 0 })
  const held = placesIn(ofFirst)
  expect(await counted(database)).toEqual({ ...left, held, live: held })

  await together([first, startCalling(database)], { kind: 'begin', count: 100 })
  expect(await counted(database)).toMatchObject(CAP_OF)
})
