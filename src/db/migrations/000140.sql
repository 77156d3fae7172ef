-- That entries of the ledger are of calls that exist is looked up for all entries of a statement at once. A foreign
-- key looks up and locks call by call, which was a third of what it takes to settle many calls.

create function refuse_strays() returns trigger language plpgsql as $$
begin
  if exists (select from added
              where not exists (select from calls where calls.call_uuid = added.call_uuid)) then
    raise exception '% has an entry of a call that does not exist', tg_table_name
      using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;

-- The other half of a foreign key.
create function keep_entries() returns trigger language plpgsql as $$
begin
  if exists (select from settlements where call_uuid = old.call_uuid) then
    raise exception 'call % has entries in the ledger: % refused', old.call_uuid, tg_op
      using errcode = 'foreign_key_violation';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;

create trigger of_calls after insert on settlements referencing new table as added
  for each statement execute function refuse_strays();
create trigger keep_entries before delete or update of call_uuid on calls
  for each row execute function keep_entries();

create or replace function refer_within_month(month text) returns void language plpgsql as $$
declare
  child text;
begin
  foreach child in array array['legs', 'postbacks', 'deliveries'] loop
    execute format('alter table %I add foreign key (call_uuid) references %I (call_uuid)',
      child || month, 'calls' || month);
  end loop;
  execute format('alter table %I add foreign key (call_uuid, tracking_url_id, occurrence) references %I',
    'attempts' || month, 'deliveries' || month);
  -- What is put into a month by its name does not ask the triggers of the whole.
  execute format('create trigger of_calls after insert on %I referencing new table as added
                    for each statement execute function refuse_strays()', 'settlements' || month);
end $$;

do $$
declare
  entries regclass;
begin
  for entries in select inhrelid::regclass from pg_inherits where inhparent = 'settlements'::regclass loop
    execute format('alter table %s drop constraint %I', entries, entries::text || '_call_uuid_fkey');
    execute format('create trigger of_calls after insert on %s referencing new table as added
                      for each statement execute function refuse_strays()', entries);
  end loop;
end $$;
