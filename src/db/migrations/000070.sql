-- The ledger cannot be emptied a month at a time either: PostgreSQL asks only the triggers of the table that
-- is named, and a month is a table of its own.

create function keep_month(month text) returns void language plpgsql as $$
declare
  kept text;
begin
  foreach kept in array array['settlements', 'postbacks'] loop
    execute format('create trigger never_emptied before truncate on %I
                      for each statement execute function refuse_change()', kept || month);
  end loop;
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
      execute format('alter table %I set (fillfactor = 70)', 'calls' || suffix);
      execute format('alter table %I set (fillfactor = 70)', 'deliveries' || suffix);
      perform refer_within_month(suffix);
      perform keep_month(suffix);
    end if;
    month := next;
  end loop;
  return made;
end $$;

select keep_month(substr(inhrelid::regclass::text, length('calls') + 1))
  from pg_inherits
 where inhparent = 'calls'::regclass;

-- Operators look for the calls of a campaign and of a caller, in years of them. The second takes the place
-- of an index that knew answered calls only.
create index calls_campaign on calls (campaign_id, call_uuid);
create index calls_caller on calls (caller_number, campaign_id, answered_at);
drop index calls_earlier_buyer;
