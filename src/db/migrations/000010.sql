-- Caps of buyers: how many places are taken, and by which legs.

-- One row for each buyer with a cap; whoever takes or gives back a place holds its lock. Each count of a
-- period stands beside the name of the period, in the buyer's time zone, that it belongs to.
create table buyer_loads (
  buyer_id   text   primary key,
  concurrent int    not null default 0 check (concurrent >= 0),
  hour       text   not null default '',
  hourly     int    not null default 0 check (hourly >= 0),
  day        text   not null default '',
  daily      int    not null default 0 check (daily >= 0),
  month      text   not null default '',
  monthly    int    not null default 0 check (monthly >= 0),
  total      bigint not null default 0 check (total >= 0)
) with (fillfactor = 50);

-- A leg that holds a place. Whoever deletes the row gives the place back, so that happens once, on every
-- way a call can end. Not partitioned: a row goes when its leg is over.
create table held_places (
  call_uuid uuid     not null,
  leg       smallint not null check (leg > 0),
  buyer_id  text     not null references buyer_loads,
  hour      text     not null,
  day       text     not null,
  month     text     not null,
  primary key (call_uuid, leg)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- The buyer that a caller had last.
create index calls_earlier_buyer on calls (caller_number, campaign_id, answered_at)
  where answered_at is not null;
