/** A mistake put into the service on purpose, to see that the harness finds it. */
export interface SeededBug {
  readonly name: string
  readonly about: string
  /** Below `src/`. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/**
 * The bugs that the harness has to catch. Each is a change of the source text, made while a child
 * process of the harness loads the module: nothing in the service itself knows of them.
 * @see reliability 3.8
 */
export const SEEDED_BUGS: readonly SeededBug[] = [
  {
    name: 'no_compare_and_set',
    about: 'a call is decided without looking at whether it has been',
    file: 'flow/settle-call.ts',
    find: 'state: call.settlement,',
    replace: `state: { ...call.settlement, conversion: 'pending', basis: undefined },`,
  },
  {
    name: 'outbox_after_commit',
    about: 'deliveries are queued after the decision is committed, not with it',
    file: 'flow/settle-call.ts',
    find: 'enqueueDeliveries(db, deliveries, now),',
    replace:
      'setTimeout(() => void enqueueDeliveries(deps.database, deliveries, now).catch(() => {}), 40),',
  },
  {
    name: 'no_order',
    about: 'the newest delivery of a lane is sent first',
    file: 'db/lanes.ts',
    find: 'order by deliveries.occurrence',
    replace: 'order by deliveries.occurrence desc',
  },
  {
    name: 'asynchronous_commit',
    about: 'a commit is acknowledged before it is on disk',
    file: 'db/pool.ts',
    find: `'synchronous_commit', 'on', false)
      where current_setting('synchronous_commit') = 'off'`,
    replace: `'synchronous_commit', 'off', false)`,
  },
  {
    name: 'done_before_sent',
    about: 'a delivery is marked as delivered when it is claimed',
    file: 'db/lanes.ts',
    find: '  return claimed\n',
    replace: `  await db.query(
    \`update deliveries set state = 'delivered', finished_at = app_now()
       from jsonb_to_recordset($1::jsonb) as head
            ("callUuid" uuid, "trackingUrlId" text, occurrence int)
      where deliveries.call_uuid = head."callUuid"
        and deliveries.tracking_url_id = head."trackingUrlId"
        and deliveries.occurrence = head.occurrence\`,
    [JSON.stringify(claimed)],
  )
  return claimed
`,
  },
  {
    name: 'new_id_each_attempt',
    about: 'each attempt of a delivery has an id of its own',
    file: 'delivery/send.ts',
    find: 'deliveryId: deliveryId(delivery),\n    userAgent',
    replace: 'deliveryId: `${deliveryId(delivery)}_${delivery.attempt}`,\n    userAgent',
  },
  {
    name: 'acknowledged_before_commit',
    about: 'a postback is answered before it is stored',
    file: 'flow/steps.ts',
    find: 'receivePostback: receive.add,',
    replace: `receivePostback: async (request) => {
      void receive.add(request).catch(() => {})
      const nothing = { conversion: null, revenue: null, payout: null }
      return { httpStatus: 200, status: 'pending', reason: 'kept', ...nothing }
    },`,
  },
  {
    name: 'dies_with_a_connection',
    about: 'the process ends when the database does',
    file: 'db/pool.ts',
    find: `if (!pool.ending) log?.('database.connection_lost', { error: error.message })`,
    replace: 'throw error',
  },
]
