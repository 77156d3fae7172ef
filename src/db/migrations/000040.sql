-- The buyers that a call was not offered to: [{"at", "reason", "buyers": [id, …]}, …], as it was decided.
alter table calls add column left_out jsonb not null default '[]';
