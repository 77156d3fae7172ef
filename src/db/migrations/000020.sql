-- Tracking URLs that want a person's attention. A row goes when the URL takes a request again.
create table tracking_url_problems (
  campaign_id     text        not null,
  tracking_url_id text        not null,
  -- gone: it has answered 410. failing: many attempts in a row have failed.
  problem         text        not null check (problem in ('gone', 'failing')),
  since           timestamptz not null,
  noted_at        timestamptz not null,
  -- In a row, as far as the process that noted it has seen.
  failures        int         not null check (failures > 0),
  host            text        not null,
  status          smallint,
  error           text,
  primary key (campaign_id, tracking_url_id)
);
