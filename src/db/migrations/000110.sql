-- Postbacks are searched page by page in the order of their ids, which is that of time; without an index of them
-- every page read a week. Ids are ever higher, so an insert finds its place at the index's end. Nothing goes by the
-- time alone any more.
create index postbacks_in_order on postbacks (postback_id);
drop index postbacks_received_at;
