-- What has failed, for people to look through and send again, among years of deliveries that have not. A
-- table and not an index on `state`: every delivery changes its state once, and with such an index each
-- change would be written to all indexes, where now it stays on its page.
create table failed_deliveries (
  call_uuid       uuid not null,
  tracking_url_id text not null,
  occurrence      int  not null,
  host            text not null,
  campaign_id     text not null,
  primary key (call_uuid, tracking_url_id, occurrence)
);
create index failed_deliveries_host on failed_deliveries (host, call_uuid, tracking_url_id, occurrence);
create index failed_deliveries_campaign
    on failed_deliveries (campaign_id, call_uuid, tracking_url_id, occurrence);

create function keep_failed() returns trigger language plpgsql as $$
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
end $$;

-- By trigger, so that a process of the build before this one keeps it as well.
create trigger keep_failed after update of state on deliveries for each row
  when (old.state <> new.state and 'failed' in (old.state, new.state))
  execute function keep_failed();

insert into failed_deliveries (call_uuid, tracking_url_id, occurrence, host, campaign_id)
select call_uuid, tracking_url_id, occurrence, substring(url from '^https?://([^/?#]*)'), campaign_id
  from deliveries join calls using (call_uuid)
 where deliveries.state = 'failed';
