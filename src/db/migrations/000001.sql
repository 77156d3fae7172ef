-- The schema of calls and their money.
--
-- Every table that belongs to a call is keyed by the call's UUID first and partitioned by it: a version 7
-- UUID begins with its time, so a range of UUIDs is a month of calls. Amounts are exact; 'NaN'::numeric >= 0
-- is true in PostgreSQL, so the upper bound of each amount is what refuses it.

-- The one clock that decides deadlines. Tests replace it to travel in time.
create function app_now() returns timestamptz language sql stable as 'select now()';

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end $$;

-- ---------------------------------------------------------------------------------------------------
-- Configuration: every applied document is kept; the newest is in force.

create table configurations (
  revision   bigint generated always as identity primary key,
  document   jsonb       not null,
  applied_at timestamptz not null default app_now()
);

-- What a call was begun under stays what it is worth: campaigns are versioned and never edited.
create table campaign_versions (
  campaign_id text        not null,
  version     int         not null check (version > 0),
  definition  jsonb       not null,
  created_at  timestamptz not null default app_now(),
  primary key (campaign_id, version)
);

create trigger append_only before update or delete on configurations
  for each row execute function refuse_change();
create trigger append_only before update or delete on campaign_versions
  for each row execute function refuse_change();

-- ---------------------------------------------------------------------------------------------------
-- Processes that hold live calls; one that stops beating is dead and others close its calls.

create table processes (
  process_id   uuid        primary key,
  started_at   timestamptz not null default app_now(),
  heartbeat_at timestamptz not null default app_now()
);

-- ---------------------------------------------------------------------------------------------------
-- Calls and what belongs to them.

create table calls (
  call_uuid           uuid        primary key,
  process_id          uuid        not null,
  campaign_id         text        not null,
  campaign_version    int         not null,
  publisher_id        text        not null,
  sub_id              text,
  trunk_id            text,
  buyer_id            text,
  bridged_leg         smallint    check (bridged_leg > 0),
  caller_number       text,
  dialed_number       text        not null,
  sip_call_id         text        not null,
  state               text        not null default 'ringing' check (state in ('ringing', 'bridged', 'ended')),
  started_at          timestamptz not null,
  answered_at         timestamptz,
  ended_at            timestamptz,
  connected_ms        bigint      check (connected_ms >= 0),
  total_ms            bigint      check (total_ms >= 0),
  hung_up_by          text        check (hung_up_by in ('caller', 'buyer', 'bridge')),
  end_reason          text,
  sip_status          smallint    check (sip_status between 100 and 699),
  tags                jsonb       not null default '{}',
  -- The money as it stands; how it came about is in settlements.
  conversion          text        not null default 'undecided'
                                  check (conversion in ('undecided', 'pending', 'converted', 'not_converted')),
  conversion_group_id text,
  settle_at           timestamptz,
  settled_at          timestamptz,
  revision            int         not null default 0 check (revision >= 0),
  reason              text,
  conversion_name     text,
  basis               text,
  revenue             numeric(20, 6) check (revenue >= 0 and revenue < 1e12),
  payout              numeric(20, 6) check (payout >= 0 and payout < 1e12),
  postback_value      text,
  late                boolean     not null default false,
  duplicate           boolean     not null default false,
  foreign key (campaign_id, campaign_version) references campaign_versions,
  check ((state = 'ended') = (ended_at is not null)),
  check ((bridged_leg is null) = (answered_at is null)),
  check (conversion <> 'pending' or settle_at is not null),
  check ((conversion = 'converted') = (revenue is not null)),
  check ((revenue is null) = (payout is null)),
  check ((conversion in ('converted', 'not_converted')) = (settled_at is not null))
) partition by range (call_uuid);

create index calls_settle_at on calls (settle_at) where conversion = 'pending';
create index calls_live on calls (process_id) where state <> 'ended';
create index calls_earlier_conversion on calls (caller_number, campaign_id, settled_at)
  where conversion = 'converted';

create table legs (
  call_uuid   uuid        not null references calls,
  leg         smallint    not null check (leg > 0),
  buyer_id    text        not null,
  endpoint    text        not null,
  dialled_at  timestamptz not null,
  ringing_at  timestamptz,
  answered_at timestamptz,
  ended_at    timestamptz,
  sip_status  smallint    check (sip_status between 100 and 699),
  fault       text        check (fault in ('caller', 'buyer', 'bridge', 'unknown')),
  reason      text,
  primary key (call_uuid, leg)
) partition by range (call_uuid);

create table postbacks (
  call_uuid    uuid        not null references calls,
  postback_id  uuid        not null,
  received_at  timestamptz not null,
  source       text        not null,
  method       text        not null,
  query        text        not null,
  body         text        not null,
  leg          smallint,
  http_status  smallint    not null,
  status       text        not null,
  reason       text        not null,
  conversion   text        not null,
  revenue_text text,
  txid         text,
  primary key (call_uuid, postback_id)
) partition by range (call_uuid);

-- The ledger. previous_hash and hash chain a call's entries; nothing in it is ever changed.
create table settlements (
  call_uuid        uuid        not null references calls,
  revision         int         not null check (revision > 0),
  kind             text        not null check (kind in ('settlement', 'late_conversion', 'adjustment')),
  conversion       text        not null check (conversion in ('converted', 'not_converted')),
  reason           text        not null,
  campaign_id      text        not null,
  campaign_version int         not null,
  group_id         text,
  conversion_name  text,
  basis            text,
  revenue          numeric(20, 6) check (revenue >= 0 and revenue < 1e12),
  payout           numeric(20, 6) check (payout >= 0 and payout < 1e12),
  payout_clamped   boolean     not null,
  postback_id      uuid,
  postback_value   text,
  connected_ms     bigint,
  late             boolean     not null,
  duplicate        boolean     not null,
  steps            jsonb       not null,
  decided_at       timestamptz not null,
  previous_hash    bytea       not null,
  hash             bytea       not null,
  primary key (call_uuid, revision),
  check ((conversion = 'converted') = (revenue is not null)),
  check ((revenue is null) = (payout is null))
) partition by range (call_uuid);

create trigger append_only before update or delete on settlements
  for each row execute function refuse_change();
create trigger append_only before update or delete on postbacks
  for each row execute function refuse_change();

-- The outbox: one request to be made, with its place in the order of its lane.
create table deliveries (
  call_uuid              uuid        not null references calls,
  tracking_url_id        text        not null,
  -- Which time this URL fires for the call: the leg for 'selected', the revision for outcomes, else 0.
  occurrence             int         not null check (occurrence >= 0),
  trigger                text        not null,
  method                 text        not null check (method in ('HEAD', 'GET', 'POST')),
  -- [call_key] stands in it until the request is made: keys are not stored.
  url                    text        not null,
  body                   jsonb,
  leg                    smallint,
  get_after_head_refused boolean     not null,
  missing_tokens         text[]      not null default '{}',
  queued_at              timestamptz not null,
  state                  text        not null default 'queued' check (state in ('queued', 'delivered', 'failed')),
  finished_at            timestamptz,
  primary key (call_uuid, tracking_url_id, occurrence),
  check ((state = 'queued') = (finished_at is null))
) partition by range (call_uuid);

create table attempts (
  call_uuid       uuid        not null,
  tracking_url_id text        not null,
  occurrence      int         not null,
  attempt         int         not null check (attempt > 0),
  started_at      timestamptz not null,
  method          text        not null,
  status          smallint,
  error           text,
  duration_ms     int         not null,
  primary key (call_uuid, tracking_url_id, occurrence, attempt),
  foreign key (call_uuid, tracking_url_id, occurrence) references deliveries
) partition by range (call_uuid);

-- One row for each (call, tracking URL) with something still to send: what is claimed, leased and ordered.
-- Not partitioned: a row goes as soon as its lane is empty. Ordering by lane rows and not by an
-- anti-join over deliveries: the plan of the latter collapses where the tables have no statistics.
create table lanes (
  call_uuid       uuid        not null,
  tracking_url_id text        not null,
  host            text        not null,
  pending         int         not null check (pending >= 0),
  -- Failed attempts of the delivery at the head.
  attempt         int         not null default 0,
  -- When it may be claimed next; while it is leased, when the lease ends.
  run_at          timestamptz not null,
  -- Fences off a worker whose lease has run out.
  token           uuid,
  primary key (call_uuid, tracking_url_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index lanes_due on lanes (host, run_at) where pending > 0;

-- ---------------------------------------------------------------------------------------------------
-- Partitions: one a month for each table of a call, and a default one so that no insert ever fails.

create function uuid_floor(at timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

create function ensure_partitions(first timestamptz, last timestamptz) returns int language plpgsql as $$
declare
  parent text;
  month  timestamptz;
  name   text;
  made   int := 0;
begin
  perform pg_advisory_xact_lock(hashtext('bridgeback.partitions'));
  foreach parent in array array['calls', 'legs', 'postbacks', 'settlements', 'deliveries', 'attempts'] loop
    month := date_trunc('month', first at time zone 'UTC') at time zone 'UTC';
    while month <= last loop
      name := parent || '_' || to_char(month at time zone 'UTC', 'YYYY_MM');
      if to_regclass(name) is null then
        execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent,
          uuid_floor(month), uuid_floor((month at time zone 'UTC' + interval '1 month') at time zone 'UTC'));
        if parent in ('calls', 'deliveries') then
          execute format('alter table %I set (fillfactor = 70)', name);
        end if;
        made := made + 1;
      end if;
      month := (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
    end loop;
  end loop;
  return made;
end $$;

create table calls_default       partition of calls       default;
create table legs_default        partition of legs        default;
create table postbacks_default   partition of postbacks   default;
create table settlements_default partition of settlements default;
create table deliveries_default  partition of deliveries  default;
create table attempts_default    partition of attempts    default;
