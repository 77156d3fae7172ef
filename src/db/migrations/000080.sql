-- Which calls wait, and until when, beside the calls. A call that stops waiting then changes nothing that an
-- index of calls knows, and PostgreSQL writes the new row alone (a "heap-only" update) where it wrote an entry
-- into every index of the call: most of what it took to settle a million calls whose time has passed.

-- Not partitioned: a row goes as soon as its call is decided. No reference to calls: one that is left over
-- is taken away when its time comes, and settles nothing.
create table deadlines (
  call_uuid        uuid        not null,
  settle_at        timestamptz not null,
  -- The rules that the call was begun under, so that calls of one kind can be found together.
  campaign_id      text        not null,
  campaign_version int         not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- What is looked for is which deadlines have passed, so their order within 20 ms does not matter, and rows with
-- equal keys share one entry of the index: a third of the size, also where campaigns wait for different times.
-- Not longer, since one call's row is looked for among those of its slot.
create function deadline_slot(settle_at timestamptz) returns timestamptz language sql immutable as $$
  select date_bin('20 milliseconds', settle_at, '2000-01-01 00:00Z')
$$;

create index deadlines_slot on deadlines (deadline_slot(settle_at));

insert into deadlines
select call_uuid, settle_at, campaign_id, campaign_version from calls where conversion = 'pending';

-- Whoever makes a call wait, in whatever way: a call that waits without a deadline would wait for ever.
create function keep_deadline() returns trigger language plpgsql as $$
begin
  insert into deadlines values (new.call_uuid, new.settle_at, new.campaign_id, new.campaign_version);
  return null;
end $$;

create trigger begun_waiting after insert on calls
  for each row when (new.conversion = 'pending') execute function keep_deadline();
create trigger made_waiting after update of conversion, settle_at on calls
  for each row when (new.conversion = 'pending'
                     and (old.conversion <> 'pending' or old.settle_at <> new.settle_at))
  execute function keep_deadline();

drop index calls_settle_at;

-- The calls of a caller that have converted: revenue is there exactly then, and stays as it is, absent, when a
-- call is decided as not converted.
create index calls_converted on calls (caller_number, campaign_id, conversion_group_id)
  where revenue is not null;
drop index calls_earlier_conversion;

-- Room on each page for the heap-only updates of its calls, also when all of them are decided at once.
create function leave_room(month text) returns void language plpgsql as $$
begin
  execute format('alter table %I set (fillfactor = 50)', 'calls' || month);
  execute format('alter table %I set (fillfactor = 70)', 'deliveries' || month);
end $$;

create or replace function ensure_partitions(first timestamptz, last timestamptz) returns int language plpgsql as $$
declare
  month   timestamptz := date_trunc('month', first at time zone 'UTC') at time zone 'UTC';
  next    timestamptz;
  suffix  text;
  parent  text;
  made    int := 0;
begin
  perform pg_advisory_xact_lock(hashtext('bridgeback.partitions'));
  while month <= last loop
    suffix := to_char(month at time zone 'UTC', '"_"YYYY_MM');
    next := (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
    if to_regclass('calls' || suffix) is null then
      foreach parent in array array['calls', 'legs', 'postbacks', 'settlements', 'deliveries', 'attempts'] loop
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          parent || suffix, parent, uuid_floor(month), uuid_floor(next));
        made := made + 1;
      end loop;
      perform leave_room(suffix);
      perform refer_within_month(suffix);
      perform keep_month(suffix);
    end if;
    month := next;
  end loop;
  return made;
end $$;

select leave_room(substr(inhrelid::regclass::text, length('calls') + 1))
  from pg_inherits
 where inhparent = 'calls'::regclass;
