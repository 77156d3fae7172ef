-- Deadlines that 000080 may have missed: of calls that were made to wait, by another process, after it had copied
-- those there were and before it had made the triggers. By now these are there, and whoever wrote without them has
-- ended: nobody has to be stopped while all calls are read.
insert into deadlines (call_uuid, settle_at, campaign_id, campaign_version)
select call_uuid, settle_at, campaign_id, campaign_version from calls
 where conversion = 'pending'
   and not exists (select from deadlines d
                    where d.call_uuid = calls.call_uuid and d.settle_at = calls.settle_at);

-- Rows of deliveries that are gone.
delete from failed_deliveries failed
 where not exists (select from deliveries d
                    where d.call_uuid = failed.call_uuid and d.tracking_url_id = failed.tracking_url_id
                      and d.occurrence = failed.occurrence);

-- What remains of the ledger's entries whose month was dropped: with their places and hashes the anchors over them,
-- which chain all entries since, can still be checked.
create table ledger_remains (
  position bigint primary key,
  hash     bytea  not null
);
create trigger append_only before update or delete on ledger_remains
  for each row execute function refuse_change();
create trigger never_emptied before truncate on ledger_remains
  for each statement execute function refuse_change();

-- Drops a month such as '2026-01' from all tables, and says how much that was. Refuses a month that is not over, one
-- of whose calls is up or waits for a postback, or has deliveries queued. Everybody else is stopped for moments only:
-- what takes long is done before the tables are locked.
create function drop_month(month text, out dropped_calls bigint, out dropped_entries bigint) language plpgsql as $$
declare
  suffix   text := '_' || replace(month, '-', '_');
  first    timestamptz;
  next     timestamptz;
  waiting  bigint;
  added    bigint;
  -- What refers comes before what it refers to.
  parents  text[] := array['attempts', 'deliveries', 'postbacks', 'settlements', 'legs', 'calls'];
  parent   text;
begin
  if month !~ '^\d{4}-(0[1-9]|1[0-2])$' then
    raise exception 'A month is written as in 2026-01, and not as in %.', month;
  end if;
  if to_regclass('calls' || suffix) is null then
    raise exception 'There is nothing of %: it was dropped, or never was.', month;
  end if;
  first := (month || '-01')::timestamp at time zone 'UTC';
  next  := ((month || '-01')::timestamp + interval '1 month') at time zone 'UTC';
  if next + interval '1 day' > app_now() then
    raise exception '% is not over: drop a month that has ended more than a day ago.', month;
  end if;
  perform pg_advisory_xact_lock(hashtext('bridgeback.partitions'));

  -- No call begins in a month that is over, and one that has been decided never waits again.
  execute format('select count(*), count(*) filter (where state <> ''ended'' or conversion = ''pending'') from %I',
                 'calls' || suffix) into dropped_calls, waiting;
  if waiting > 0 then
    raise exception '% calls of % are up or wait for a postback: drop it when they are decided.', waiting, month;
  end if;
  execute format('insert into ledger_remains (position, hash) select position, hash from %I',
                 'settlements' || suffix);
  get diagnostics dropped_entries = row_count;
  delete from deadlines where call_uuid >= uuid_floor(first) and call_uuid < uuid_floor(next);

  -- Whoever waits for these waits no longer than this.
  perform set_config('lock_timeout', '2s', true);
  lock table only attempts, only deliveries, only postbacks, only settlements, only legs, only calls
    in access exclusive mode;
  if exists (select from lanes where call_uuid >= uuid_floor(first) and call_uuid < uuid_floor(next)) then
    raise exception 'Deliveries of % are queued: drop it when they have been sent or given up.', month;
  end if;
  -- What was decided about its calls meanwhile.
  execute format('insert into ledger_remains (position, hash)
                  select position, hash from %1$I
                   where not exists (select from ledger_remains
                                      where ledger_remains.position = %1$I.position
                                        and ledger_remains.position >= (select min(position) from %1$I))',
                 'settlements' || suffix);
  get diagnostics added = row_count;
  dropped_entries := dropped_entries + added;
  delete from failed_deliveries where call_uuid >= uuid_floor(first) and call_uuid < uuid_floor(next);
  foreach parent in array parents loop
    execute format('drop table %I', parent || suffix);
  end loop;
end $$;
