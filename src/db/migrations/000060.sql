-- Rows of a call refer to the month in which its other rows are, and not to the whole of a table in
-- months: PostgreSQL plans the check of such a reference anew for every row, which took longer than
-- everything else that stores an attempt or a delivery. Bounds are the same in all tables, so what is
-- referred to is always in the month of the same name. A month can be dropped from the last table to
-- the first.

create function refer_within_month(month text) returns void language plpgsql as $$
declare
  child text;
begin
  foreach child in array array['legs', 'postbacks', 'settlements', 'deliveries'] loop
    execute format('alter table %I add foreign key (call_uuid) references %I (call_uuid)',
      child || month, 'calls' || month);
  end loop;
  execute format('alter table %I add foreign key (call_uuid, tracking_url_id, occurrence) references %I',
    'attempts' || month, 'deliveries' || month);
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
    end if;
    month := next;
  end loop;
  return made;
end $$;

alter table attempts    drop constraint attempts_call_uuid_tracking_url_id_occurrence_fkey;
alter table deliveries  drop constraint deliveries_call_uuid_fkey;
alter table legs        drop constraint legs_call_uuid_fkey;
alter table postbacks   drop constraint postbacks_call_uuid_fkey;
alter table settlements drop constraint settlements_call_uuid_fkey;

select refer_within_month(substr(inhrelid::regclass::text, length('calls') + 1))
  from pg_inherits
 where inhparent = 'calls'::regclass;
