-- The ledger in full: what each entry rests on, and one chain over all of them.

-- What a decision rested on besides the postback and the connected time, so that it can be derived again
-- from the ledger and the rules alone.
alter table settlements
  add column publisher_id text,
  add column buyer_id     text,
  add column ended_at     timestamptz,
  add column settle_at    timestamptz;

-- The place of an entry among all entries. Given when it is written, so that places become visible out of
-- their order, and some never do.
create sequence ledger_positions as bigint;
alter table settlements add column position bigint not null default nextval('ledger_positions');
create index settlements_position on settlements (position);

-- Every so often the hashes of what has been added are folded into one, chained to the one before: whoever
-- changes or removes an entry has to change every anchor since. Settling calls does not wait for it.
create table ledger_anchors (
  anchor        int         primary key check (anchor > 0),
  -- The entries whose places are above the anchor before and up to this one.
  to_position   bigint      not null,
  entries       int         not null check (entries > 0),
  entries_hash  bytea       not null,
  previous_hash bytea       not null,
  hash          bytea       not null,
  made_at       timestamptz not null default app_now()
);

create trigger append_only before update or delete on ledger_anchors
  for each row execute function refuse_change();
create trigger never_emptied before truncate on ledger_anchors
  for each statement execute function refuse_change();
create trigger never_emptied before truncate on settlements
  for each statement execute function refuse_change();
create trigger never_emptied before truncate on postbacks
  for each statement execute function refuse_change();

-- Rows come in the order of these times, which is what a block range index needs; it costs next to nothing.
create index postbacks_received_at on postbacks using brin (received_at);
create index settlements_decided_at on settlements using brin (decided_at);
