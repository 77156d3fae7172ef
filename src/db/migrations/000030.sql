-- Replays: past calls settled anew under corrected rules, on purpose and on the record.

create table replays (
  replay_id        uuid        primary key,
  campaign_id      text        not null,
  campaign_version int         not null,
  since            timestamptz not null,
  until            timestamptz not null,
  why              text        not null check (why <> ''),
  made_by          text        not null,
  made_at          timestamptz not null default app_now(),
  foreign key (campaign_id, campaign_version) references campaign_versions
);

create trigger append_only before update or delete on replays
  for each row execute function refuse_change();

-- The replay that an entry comes from; null for what was decided as it happened.
alter table settlements add column replay_id uuid references replays;
