-- What all migrations together amount to. Written by `npm run db:schema`; not to be edited.

-- Functions come first and may speak of tables that are not there yet.
set check_function_bodies = off;

CREATE OR REPLACE FUNCTION app_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$select now()$function$;

CREATE OR REPLACE FUNCTION deadline_slot(settle_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select date_bin('20 milliseconds', settle_at, '2000-01-01 00:00Z')
$function$;

CREATE OR REPLACE FUNCTION drop_month(month text, OUT dropped_calls bigint, OUT dropped_entries bigint)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION ensure_partitions(first timestamp with time zone, last timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION keep_api_key()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if (new.key_id, new.name, new.role, new.hash, new.created_at, new.created_by)
     is distinct from (old.key_id, old.name, old.role, old.hash, old.created_at, old.created_by)
     or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
  then
    raise exception 'a key of the API can be revoked once and not be changed'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION keep_deadline()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into deadlines values (new.call_uuid, new.settle_at, new.campaign_id, new.campaign_version);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION keep_entries()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from settlements where call_uuid = old.call_uuid) then
    raise exception 'call % has entries in the ledger: % refused', old.call_uuid, tg_op
      using errcode = 'foreign_key_violation';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $function$;

CREATE OR REPLACE FUNCTION keep_failed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.state = 'failed' then
    insert into failed_deliveries (call_uuid, tracking_url_id, occurrence, host, campaign_id)
    select new.call_uuid, new.tracking_url_id, new.occurrence,
           substring(new.url from '^https?://([^/?#]*)'), campaign_id
      from calls where call_uuid = new.call_uuid;
  else
    delete from failed_deliveries
     where call_uuid = new.call_uuid
       and tracking_url_id = new.tracking_url_id
       and occurrence = new.occurrence;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION keep_month(month text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  kept text;
begin
  foreach kept in array array['settlements', 'postbacks'] loop
    execute format('create trigger never_emptied before truncate on %I
                      for each statement execute function refuse_change()', kept || month);
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION leave_room(month text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  execute format('alter table %I set (fillfactor = 50)', 'calls' || month);
  execute format('alter table %I set (fillfactor = 70)', 'deliveries' || month);
end $function$;

CREATE OR REPLACE FUNCTION refer_within_month(month text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION refuse_strays()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select from added
              where not exists (select from calls where calls.call_uuid = added.call_uuid)) then
    raise exception '% has an entry of a call that does not exist', tg_table_name
      using errcode = 'foreign_key_violation';
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION uuid_floor(at timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$function$;

create sequence ledger_positions as bigint;

create table api_keys (
  key_id uuid not null,
  name text not null,
  role text not null,
  hash bytea not null,
  created_at timestamp with time zone not null default app_now(),
  created_by text not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_keys_hash_key UNIQUE (hash),
  constraint api_keys_pkey PRIMARY KEY (key_id),
  constraint api_keys_hash_check CHECK (octet_length(hash) = 32),
  constraint api_keys_name_check CHECK (length(name) >= 1 AND length(name) <= 64),
  constraint api_keys_role_check CHECK (role = ANY (ARRAY['viewer'::text, 'operator'::text, 'administrator'::text]))
);

create table attempts (
  call_uuid uuid not null,
  tracking_url_id text not null,
  occurrence integer not null,
  attempt integer not null,
  started_at timestamp with time zone not null,
  method text not null,
  status smallint,
  error text,
  duration_ms integer not null,
  constraint attempts_pkey PRIMARY KEY (call_uuid, tracking_url_id, occurrence, attempt),
  constraint attempts_attempt_check CHECK (attempt > 0)
) partition by RANGE (call_uuid);

create table audit (
  audit_id bigint not null generated always as identity,
  at timestamp with time zone not null default app_now(),
  by text not null,
  key_id uuid,
  who text not null,
  what text not null,
  subject text,
  details jsonb not null,
  source text,
  constraint audit_pkey PRIMARY KEY (audit_id),
  constraint audit_by_check CHECK (by = ANY (ARRAY['key'::text, 'cli'::text])),
  constraint audit_check CHECK (by = 'key'::text OR key_id IS NULL),
  constraint audit_check1 CHECK ((by = 'key'::text) = (source IS NOT NULL))
);

create table buyer_loads (
  buyer_id text not null,
  concurrent integer not null default 0,
  hour text not null default ''::text,
  hourly integer not null default 0,
  day text not null default ''::text,
  daily integer not null default 0,
  month text not null default ''::text,
  monthly integer not null default 0,
  total bigint not null default 0,
  constraint buyer_loads_pkey PRIMARY KEY (buyer_id),
  constraint buyer_loads_concurrent_check CHECK (concurrent >= 0),
  constraint buyer_loads_daily_check CHECK (daily >= 0),
  constraint buyer_loads_hourly_check CHECK (hourly >= 0),
  constraint buyer_loads_monthly_check CHECK (monthly >= 0),
  constraint buyer_loads_total_check CHECK (total >= 0)
)
with (fillfactor=50);

create table calls (
  call_uuid uuid not null,
  process_id uuid not null,
  campaign_id text not null,
  campaign_version integer not null,
  publisher_id text not null,
  sub_id text,
  trunk_id text,
  buyer_id text,
  bridged_leg smallint,
  caller_number text,
  dialed_number text not null,
  sip_call_id text not null,
  state text not null default 'ringing'::text,
  started_at timestamp with time zone not null,
  answered_at timestamp with time zone,
  ended_at timestamp with time zone,
  connected_ms bigint,
  total_ms bigint,
  hung_up_by text,
  end_reason text,
  sip_status smallint,
  tags jsonb not null default '{}'::jsonb,
  conversion text not null default 'undecided'::text,
  conversion_group_id text,
  settle_at timestamp with time zone,
  settled_at timestamp with time zone,
  revision integer not null default 0,
  reason text,
  conversion_name text,
  basis text,
  revenue numeric(20,6),
  payout numeric(20,6),
  postback_value text,
  late boolean not null default false,
  duplicate boolean not null default false,
  left_out jsonb not null default '[]'::jsonb,
  constraint calls_pkey PRIMARY KEY (call_uuid),
  constraint calls_bridged_leg_check CHECK (bridged_leg > 0),
  constraint calls_check CHECK ((state = 'ended'::text) = (ended_at IS NOT NULL)),
  constraint calls_check1 CHECK ((bridged_leg IS NULL) = (answered_at IS NULL)),
  constraint calls_check2 CHECK (conversion <> 'pending'::text OR settle_at IS NOT NULL),
  constraint calls_check3 CHECK ((conversion = 'converted'::text) = (revenue IS NOT NULL)),
  constraint calls_check4 CHECK ((revenue IS NULL) = (payout IS NULL)),
  constraint calls_check5 CHECK ((conversion = ANY (ARRAY['converted'::text, 'not_converted'::text])) = (settled_at IS NOT NULL)),
  constraint calls_connected_ms_check CHECK (connected_ms >= 0),
  constraint calls_conversion_check CHECK (conversion = ANY (ARRAY['undecided'::text, 'pending'::text, 'converted'::text, 'not_converted'::text])),
  constraint calls_hung_up_by_check CHECK (hung_up_by = ANY (ARRAY['caller'::text, 'buyer'::text, 'bridge'::text])),
  constraint calls_payout_check CHECK (payout >= 0::numeric AND payout < '1000000000000'::numeric),
  constraint calls_revenue_check CHECK (revenue >= 0::numeric AND revenue < '1000000000000'::numeric),
  constraint calls_revision_check CHECK (revision >= 0),
  constraint calls_sip_status_check CHECK (sip_status >= 100 AND sip_status <= 699),
  constraint calls_state_check CHECK (state = ANY (ARRAY['ringing'::text, 'bridged'::text, 'ended'::text])),
  constraint calls_total_ms_check CHECK (total_ms >= 0)
) partition by RANGE (call_uuid);

create table campaign_versions (
  campaign_id text not null,
  version integer not null,
  definition jsonb not null,
  created_at timestamp with time zone not null default app_now(),
  constraint campaign_versions_pkey PRIMARY KEY (campaign_id, version),
  constraint campaign_versions_version_check CHECK (version > 0)
);

create table configurations (
  revision bigint not null generated always as identity,
  document jsonb not null,
  applied_at timestamp with time zone not null default app_now(),
  constraint configurations_pkey PRIMARY KEY (revision)
);

create table deadlines (
  call_uuid uuid not null,
  settle_at timestamp with time zone not null,
  campaign_id text not null,
  campaign_version integer not null
)
with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);

create table deliveries (
  call_uuid uuid not null,
  tracking_url_id text not null,
  occurrence integer not null,
  trigger text not null,
  method text not null,
  url text not null,
  body jsonb,
  leg smallint,
  get_after_head_refused boolean not null,
  missing_tokens text[] not null default '{}'::text[],
  queued_at timestamp with time zone not null,
  state text not null default 'queued'::text,
  finished_at timestamp with time zone,
  constraint deliveries_pkey PRIMARY KEY (call_uuid, tracking_url_id, occurrence),
  constraint deliveries_check CHECK ((state = 'queued'::text) = (finished_at IS NULL)),
  constraint deliveries_method_check CHECK (method = ANY (ARRAY['HEAD'::text, 'GET'::text, 'POST'::text])),
  constraint deliveries_occurrence_check CHECK (occurrence >= 0),
  constraint deliveries_state_check CHECK (state = ANY (ARRAY['queued'::text, 'delivered'::text, 'failed'::text]))
) partition by RANGE (call_uuid);

create table failed_deliveries (
  call_uuid uuid not null,
  tracking_url_id text not null,
  occurrence integer not null,
  host text not null,
  campaign_id text not null,
  constraint failed_deliveries_pkey PRIMARY KEY (call_uuid, tracking_url_id, occurrence)
);

create table held_places (
  call_uuid uuid not null,
  leg smallint not null,
  buyer_id text not null,
  hour text not null,
  day text not null,
  month text not null,
  constraint held_places_pkey PRIMARY KEY (call_uuid, leg),
  constraint held_places_leg_check CHECK (leg > 0)
)
with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);

create table lanes (
  call_uuid uuid not null,
  tracking_url_id text not null,
  host text not null,
  pending integer not null,
  attempt integer not null default 0,
  run_at timestamp with time zone not null,
  token uuid,
  constraint lanes_pkey PRIMARY KEY (call_uuid, tracking_url_id),
  constraint lanes_pending_check CHECK (pending >= 0)
)
with (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);

create table ledger_anchors (
  anchor integer not null,
  to_position bigint not null,
  entries integer not null,
  entries_hash bytea not null,
  previous_hash bytea not null,
  hash bytea not null,
  made_at timestamp with time zone not null default app_now(),
  constraint ledger_anchors_pkey PRIMARY KEY (anchor),
  constraint ledger_anchors_anchor_check CHECK (anchor > 0),
  constraint ledger_anchors_entries_check CHECK (entries > 0)
);

create table ledger_remains (
  "position" bigint not null,
  hash bytea not null,
  constraint ledger_remains_pkey PRIMARY KEY ("position")
);

create table legs (
  call_uuid uuid not null,
  leg smallint not null,
  buyer_id text not null,
  endpoint text not null,
  dialled_at timestamp with time zone not null,
  ringing_at timestamp with time zone,
  answered_at timestamp with time zone,
  ended_at timestamp with time zone,
  sip_status smallint,
  fault text,
  reason text,
  constraint legs_pkey PRIMARY KEY (call_uuid, leg),
  constraint legs_fault_check CHECK (fault = ANY (ARRAY['caller'::text, 'buyer'::text, 'bridge'::text, 'unknown'::text])),
  constraint legs_leg_check CHECK (leg > 0),
  constraint legs_sip_status_check CHECK (sip_status >= 100 AND sip_status <= 699)
) partition by RANGE (call_uuid);

create table migrations (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (name)
);

create table postbacks (
  call_uuid uuid not null,
  postback_id uuid not null,
  received_at timestamp with time zone not null,
  source text not null,
  method text not null,
  query text not null,
  body text not null,
  leg smallint,
  http_status smallint not null,
  status text not null,
  reason text not null,
  conversion text not null,
  revenue_text text,
  txid text,
  revision integer,
  constraint postbacks_pkey PRIMARY KEY (call_uuid, postback_id)
) partition by RANGE (call_uuid);

create table processes (
  process_id uuid not null,
  started_at timestamp with time zone not null default app_now(),
  heartbeat_at timestamp with time zone not null default app_now(),
  constraint processes_pkey PRIMARY KEY (process_id)
);

create table replays (
  replay_id uuid not null,
  campaign_id text not null,
  campaign_version integer not null,
  since timestamp with time zone not null,
  until timestamp with time zone not null,
  why text not null,
  made_by text not null,
  made_at timestamp with time zone not null default app_now(),
  constraint replays_pkey PRIMARY KEY (replay_id),
  constraint replays_why_check CHECK (why <> ''::text)
);

create table settlements (
  call_uuid uuid not null,
  revision integer not null,
  kind text not null,
  conversion text not null,
  reason text not null,
  campaign_id text not null,
  campaign_version integer not null,
  group_id text,
  conversion_name text,
  basis text,
  revenue numeric(20,6),
  payout numeric(20,6),
  payout_clamped boolean not null,
  postback_id uuid,
  postback_value text,
  connected_ms bigint,
  late boolean not null,
  duplicate boolean not null,
  steps jsonb not null,
  decided_at timestamp with time zone not null,
  previous_hash bytea not null,
  hash bytea not null,
  publisher_id text,
  buyer_id text,
  ended_at timestamp with time zone,
  settle_at timestamp with time zone,
  "position" bigint not null default nextval('ledger_positions'::regclass),
  replay_id uuid,
  constraint settlements_pkey PRIMARY KEY (call_uuid, revision),
  constraint settlements_check CHECK ((conversion = 'converted'::text) = (revenue IS NOT NULL)),
  constraint settlements_check1 CHECK ((revenue IS NULL) = (payout IS NULL)),
  constraint settlements_conversion_check CHECK (conversion = ANY (ARRAY['converted'::text, 'not_converted'::text])),
  constraint settlements_kind_check CHECK (kind = ANY (ARRAY['settlement'::text, 'late_conversion'::text, 'adjustment'::text])),
  constraint settlements_payout_check CHECK (payout >= 0::numeric AND payout < '1000000000000'::numeric),
  constraint settlements_revenue_check CHECK (revenue >= 0::numeric AND revenue < '1000000000000'::numeric),
  constraint settlements_revision_check CHECK (revision > 0)
) partition by RANGE (call_uuid);

create table tracking_url_problems (
  campaign_id text not null,
  tracking_url_id text not null,
  problem text not null,
  since timestamp with time zone not null,
  noted_at timestamp with time zone not null,
  failures integer not null,
  host text not null,
  status smallint,
  error text,
  constraint tracking_url_problems_pkey PRIMARY KEY (campaign_id, tracking_url_id),
  constraint tracking_url_problems_failures_check CHECK (failures > 0),
  constraint tracking_url_problems_problem_check CHECK (problem = ANY (ARRAY['gone'::text, 'failing'::text]))
);

create table attempts_default partition of attempts default;

create table calls_default partition of calls default;

create table deliveries_default partition of deliveries default;

create table legs_default partition of legs default;

create table postbacks_default partition of postbacks default;

create table settlements_default partition of settlements default;

alter table attempts_default add constraint attempts_default_call_uuid_tracking_url_id_occurrence_fkey FOREIGN KEY (call_uuid, tracking_url_id, occurrence) REFERENCES deliveries_default(call_uuid, tracking_url_id, occurrence);

alter table audit add constraint audit_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(key_id);

alter table calls add constraint calls_campaign_id_campaign_version_fkey FOREIGN KEY (campaign_id, campaign_version) REFERENCES campaign_versions(campaign_id, version);

alter table deliveries_default add constraint deliveries_default_call_uuid_fkey FOREIGN KEY (call_uuid) REFERENCES calls_default(call_uuid);

alter table held_places add constraint held_places_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES buyer_loads(buyer_id);

alter table legs_default add constraint legs_default_call_uuid_fkey FOREIGN KEY (call_uuid) REFERENCES calls_default(call_uuid);

alter table postbacks_default add constraint postbacks_default_call_uuid_fkey FOREIGN KEY (call_uuid) REFERENCES calls_default(call_uuid);

alter table replays add constraint replays_campaign_id_campaign_version_fkey FOREIGN KEY (campaign_id, campaign_version) REFERENCES campaign_versions(campaign_id, version);

alter table settlements add constraint settlements_replay_id_fkey FOREIGN KEY (replay_id) REFERENCES replays(replay_id);

CREATE INDEX api_keys_live ON api_keys USING btree (key_id) WHERE revoked_at IS NULL;

CREATE INDEX audit_at ON audit USING btree (at);

CREATE INDEX calls_caller ON calls USING btree (caller_number, campaign_id, answered_at);

CREATE INDEX calls_campaign ON calls USING btree (campaign_id, call_uuid);

CREATE INDEX calls_converted ON calls USING btree (caller_number, campaign_id, conversion_group_id) WHERE revenue IS NOT NULL;

CREATE INDEX calls_live ON calls USING btree (process_id) WHERE state <> 'ended'::text;

CREATE INDEX deadlines_slot ON deadlines USING btree (deadline_slot(settle_at));

CREATE INDEX failed_deliveries_campaign ON failed_deliveries USING btree (campaign_id, call_uuid, tracking_url_id, occurrence);

CREATE INDEX failed_deliveries_host ON failed_deliveries USING btree (host, call_uuid, tracking_url_id, occurrence);

CREATE INDEX lanes_due ON lanes USING btree (host, run_at) WHERE pending > 0;

CREATE INDEX postbacks_in_order ON postbacks USING btree (postback_id);

CREATE INDEX settlements_decided_at ON settlements USING brin (decided_at);

CREATE INDEX settlements_position ON settlements USING btree ("position");

CREATE TRIGGER append_only BEFORE DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_changed BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION keep_api_key();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER begun_waiting AFTER INSERT ON calls FOR EACH ROW WHEN (new.conversion = 'pending'::text) EXECUTE FUNCTION keep_deadline();

CREATE TRIGGER keep_entries BEFORE DELETE OR UPDATE OF call_uuid ON calls FOR EACH ROW EXECUTE FUNCTION keep_entries();

CREATE TRIGGER made_waiting AFTER UPDATE OF conversion, settle_at ON calls FOR EACH ROW WHEN (new.conversion = 'pending'::text AND (old.conversion <> 'pending'::text OR old.settle_at <> new.settle_at)) EXECUTE FUNCTION keep_deadline();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON campaign_versions FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON configurations FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER keep_failed AFTER UPDATE OF state ON deliveries FOR EACH ROW WHEN (old.state <> new.state AND ('failed'::text = old.state OR 'failed'::text = new.state)) EXECUTE FUNCTION keep_failed();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger_anchors FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_anchors FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger_remains FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_remains FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON postbacks FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON postbacks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON postbacks_default FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON replays FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON settlements FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER of_calls AFTER INSERT ON settlements REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_strays();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON settlements_default FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER of_calls AFTER INSERT ON settlements_default REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_strays();
