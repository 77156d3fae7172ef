-- Keys of the API besides the environment's, and the record of what people have done by hand.

create table api_keys (
  key_id       uuid        primary key,
  name         text        not null check (length(name) between 1 and 64),
  role         text        not null check (role in ('viewer', 'operator', 'administrator')),
  -- SHA-256 of the key. A slow hash protects what people think up; nobody guesses 256 random bits.
  hash         bytea       not null unique check (octet_length(hash) = 32),
  created_at   timestamptz not null default app_now(),
  -- The name of the key that made it.
  created_by   text        not null,
  -- To the minute.
  last_used_at timestamptz,
  revoked_at   timestamptz
);

create index api_keys_live on api_keys (key_id) where revoked_at is null;

-- The record names keys by their id, so a key stays what it was: it can be used and revoked, nothing else.
create function keep_api_key() returns trigger language plpgsql as $$
begin
  if (new.key_id, new.name, new.role, new.hash, new.created_at, new.created_by)
     is distinct from (old.key_id, old.name, old.role, old.hash, old.created_at, old.created_by)
     or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
  then
    raise exception 'a key of the API can be revoked once and not be changed'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger never_changed before update on api_keys
  for each row execute function keep_api_key();
create trigger append_only before delete on api_keys
  for each row execute function refuse_change();
create trigger never_emptied before truncate on api_keys
  for each statement execute function refuse_change();

create table audit (
  audit_id bigint      generated always as identity primary key,
  at       timestamptz not null default app_now(),
  -- Through the API with a key, or on the command line.
  by       text        not null check (by in ('key', 'cli')),
  -- Null for the environment's key and the command line.
  key_id   uuid        references api_keys,
  -- The key's name, or the user of the machine.
  who      text        not null,
  what     text        not null,
  subject  text,
  details  jsonb       not null,
  -- The address that the request came from; null on the command line.
  source   text,
  check (by = 'key' or key_id is null),
  check ((by = 'key') = (source is not null))
);

create index audit_at on audit (at);

create trigger append_only before update or delete on audit
  for each row execute function refuse_change();
create trigger never_emptied before truncate on audit
  for each statement execute function refuse_change();
