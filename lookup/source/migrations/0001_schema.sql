-- The source of truth. These tables are a documented contract: any SQL writer is first-class, and the triggers
-- below do what the change feed needs (a version and an outbox row for each change, in the writer's own transaction).

create type code_color as enum ('green', 'yellow', 'red');

-- One sequence for people and areas. CACHE 1: a larger cache hands out versions out of commit order.
create sequence change_version as bigint cache 1;

create table area (
  id integer primary key check (id > 0),
  name text not null check (length(name) between 1 and 200),
  floor code_color not null default 'green',
  version bigint not null
);
comment on table area is 'A district. floor: the least color of everyone tied to it. Areas are never deleted.';

create table person (
  subject uuid primary key,
  color code_color,
  areas integer[] not null default '{}'
    check (cardinality(areas) <= 8 and coalesce(array_ndims(areas), 1) = 1 and array_position(areas, null) is null),
  photo_id uuid,
  version bigint not null,
  xid xid8 not null,
  erased_at timestamptz,
  check ((color is null) = (erased_at is not null))
);
comment on table person is
  'A subject, as the uuid of its 128 bits (text form: lookup_subject_text). To erase: set erased_at = now(). '
  'photo_id may name a photo that is not there yet. version and xid are set by triggers.';
create index person_photo on person (photo_id) where photo_id is not null;
create index person_erased on person (erased_at) where erased_at is not null;

create function lookup_photo_mime(bytes bytea) returns text language sql immutable parallel safe as $$
  select case
    when substring(bytes for 3) = '\xffd8ff'::bytea then 'image/jpeg'
    when substring(bytes for 8) = '\x89504e470d0a1a0a'::bytea then 'image/png'
    when substring(bytes for 4) = '\x52494646'::bytea and substring(bytes from 9 for 4) = '\x57454250'::bytea
      then 'image/webp'
  end
$$;

create table photo (
  id uuid primary key,
  mime text not null,
  bytes bytea not null,
  check (octet_length(bytes) between 1 and 200000),
  check (uuid_send(id) = substring(sha256(bytes) for 16)),
  check (mime is not distinct from lookup_photo_mime(bytes))
);
alter table photo alter column bytes set storage external; -- already compressed
comment on table photo is 'id: the first 16 bytes of the SHA-256 of bytes. At most 200,000 bytes of JPEG, PNG or WebP.';

create table outbox (
  xid xid8 not null,
  version bigint not null,
  kind text not null check (kind in ('person', 'area', 'load')),
  subject uuid,
  area integer,
  color code_color, -- a person's own color, or an area's floor; null: the person is erased
  areas integer[],
  photo_id uuid,
  primary key (xid, version)
);
create index outbox_others on outbox (xid) where kind <> 'person';
comment on table outbox is
  'One row a change: a person''s new record, or an area''s new floor. Read by snapshot, not by number.';

-- Subjects and photo ids as the rest of the world writes them: 22 characters of base64url.
create function lookup_subject_text(id uuid) returns text language sql immutable strict parallel safe as $$
  select translate(rtrim(encode(uuid_send(id), 'base64'), '='), '+/', '-_')
$$;
create function lookup_subject(id text) returns uuid language sql immutable strict parallel safe as $$
  select encode(decode(translate(id, '-_', '+/') || '==', 'base64'), 'hex')::uuid
$$;

-- A crash after an asynchronous commit would hand out the same xid and version twice, with no sign of it.
create function lookup_commit_durably() returns void language plpgsql as $$
begin
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
end $$;

create function person_before() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if old.erased_at is null or old.erased_at > now()
      - coalesce(nullif(current_setting('lookup.tombstone', true), ''), '1 day')::interval then
      raise exception 'a person is not deleted but erased: update person set erased_at = now()'
        using errcode = 'restrict_violation';
    end if;
    return old;
  end if;
  if tg_op = 'UPDATE' then
    if new.subject <> old.subject then
      raise exception 'a subject never changes: erase the old person and insert the new one'
        using errcode = 'restrict_violation';
    end if;
    if new.color is not distinct from old.color and new.areas = old.areas
      and new.photo_id is not distinct from old.photo_id and new.erased_at is not distinct from old.erased_at then
      new.version := old.version;
      new.xid := old.xid;
      return new;
    end if;
  end if;
  if new.erased_at is not null then
    new.color := null;
    new.areas := '{}';
    new.photo_id := null;
  end if;
  new.version := nextval('change_version');
  new.xid := pg_current_xact_id();
  return new;
end $$;
create trigger person_before before insert or update or delete on person for each row execute function person_before();
alter table person enable always trigger person_before;

-- AFTER, and from the transition table: INSERT ... ON CONFLICT DO NOTHING runs the BEFORE trigger for rows that
-- never come to be. A row that did not change keeps an older transaction's xid, and is passed over. Who is changed
-- again in the same transaction is told as they are at its end: what was in between is never visible, and a transaction
-- that is delivered in pieces would show it.
create function person_after() returns trigger language plpgsql as $$
declare
  unknown integer;
begin
  perform lookup_commit_durably();
  select a into unknown from changed c, unnest(c.areas) a
    where not exists (select from area where area.id = a) limit 1;
  if found then
    raise exception 'area % does not exist', unknown using errcode = 'foreign_key_violation';
  end if;
  if current_setting('lookup.first_load', true) = pg_current_xact_id()::text then
    return null;
  end if;
  if tg_op = 'UPDATE' then
    delete from outbox where xid = pg_current_xact_id() and version = any (array(
      select w.version from was w where w.xid = pg_current_xact_id()
        and not exists (select from changed c where c.version = w.version)));
  end if;
  insert into outbox (xid, version, kind, subject, color, areas, photo_id)
    select c.xid, c.version, 'person', c.subject, c.color, c.areas, c.photo_id from changed c
    where c.xid = pg_current_xact_id()
    on conflict do nothing;
  return null;
end $$;
create trigger person_after_insert after insert on person
  referencing new table as changed for each statement execute function person_after();
create trigger person_after_update after update on person
  referencing old table as was new table as changed for each statement execute function person_after();
alter table person enable always trigger person_after_insert;
alter table person enable always trigger person_after_update;

create function area_before() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if new.id <> old.id then
      raise exception 'an area''s id never changes' using errcode = 'restrict_violation';
    end if;
    if new.floor = old.floor then
      new.version := old.version;
      return new;
    end if;
  end if;
  new.version := nextval('change_version');
  return new;
end $$;
create trigger area_before before insert or update on area for each row execute function area_before();
alter table area enable always trigger area_before;

create function area_after() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.version = old.version then
    return null;
  end if;
  perform lookup_commit_durably();
  insert into outbox (xid, version, kind, area, color)
    values (pg_current_xact_id(), new.version, 'area', new.id, new.floor);
  return null;
end $$;
create trigger area_after after insert or update on area for each row execute function area_after();
alter table area enable always trigger area_after;

create function lookup_refuse() returns trigger language plpgsql as $$
begin
  raise exception '% on % is refused: the change feed would not see it', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end $$;
create trigger person_no_truncate before truncate on person for each statement execute function lookup_refuse();
create trigger area_no_truncate before truncate on area for each statement execute function lookup_refuse();
create trigger area_no_delete before delete on area for each row execute function lookup_refuse();
create trigger outbox_no_truncate before truncate on outbox for each statement execute function lookup_refuse();
alter table person enable always trigger person_no_truncate;
alter table area enable always trigger area_no_truncate;
alter table area enable always trigger area_no_delete;
alter table outbox enable always trigger outbox_no_truncate;

-- The first load costs one mark on the feed, not one outbox row a person. Only while person is empty: the lock keeps
-- every other writer out until the loading transaction ends.
create function lookup_begin_first_load() returns void language plpgsql as $$
begin
  lock table person in share row exclusive mode;
  if exists (select from person) then
    raise exception 'person is not empty: this would not be the first load'
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  insert into outbox (xid, version, kind) values (pg_current_xact_id(), nextval('change_version'), 'load');
  perform set_config('lookup.first_load', pg_current_xact_id()::text, true);
end $$;

-- Which source this is. The cluster's identifier and timeline change when another copy is promoted; the counter is
-- raised by whoever found that this source had lost history.
create table source_epoch (
  only_row boolean primary key default true check (only_row),
  counter bigint not null default 1
);
insert into source_epoch default values;
create function lookup_source_epoch() returns text language sql volatile as $$
  select (select system_identifier::text from pg_control_system()) || '-'
    || substring(pg_walfile_name(pg_current_wal_lsn()) for 8) || '-' || (select counter::text from source_epoch)
$$;

-- For a writer, after its COMMIT has returned: a question with this mark as min_as_of is answered with what it wrote.
create function lookup_mark(out source_epoch text, out as_of timestamptz) language sql volatile as $$
  select lookup_source_epoch(), now()
$$;

-- A token a second: a source that lacks the one in a reader's cursor has lost history (restored from a backup).
create table history_token (
  token uuid primary key default gen_random_uuid(),
  written_at timestamptz not null default clock_timestamp()
);
create index history_token_written on history_token (written_at);

-- What readers have seen. Trimming removes only what a stored cursor older than the retention had seen.
create table feed_cursor (stored_at timestamptz primary key default clock_timestamp(), snapshot pg_snapshot not null);
create table outbox_trim (only_row boolean primary key default true check (only_row), floor pg_snapshot not null);

-- Called about once a second by whoever follows the outbox, with its cursor; does nothing when another just did.
-- Small steps: at most 20,000 outbox rows a call.
create function lookup_keep(seen pg_snapshot, retention interval) returns void language plpgsql as $$
declare
  passed record;
begin
  if not pg_try_advisory_xact_lock(7161820341) then return; end if;
  if exists (select from history_token where written_at > clock_timestamp() - interval '900 milliseconds') then
    return;
  end if;
  insert into history_token default values;
  insert into feed_cursor (snapshot) values (seen) on conflict do nothing;
  select * into passed from feed_cursor where stored_at < now() - retention order by stored_at desc limit 1;
  if found then
    insert into outbox_trim (floor) values (passed.snapshot)
      on conflict (only_row) do update set floor = excluded.floor;
    delete from outbox where ctid = any (array(
      select ctid from outbox where pg_visible_in_snapshot(xid, passed.snapshot) order by xid, version limit 20000));
    delete from feed_cursor where stored_at < passed.stored_at;
  end if;
  delete from history_token where written_at < now() - greatest(retention, interval '1 day');
end $$;

-- Who was erased long enough ago to be forgotten, so that nothing late can bring them back, and then their removal.
create function lookup_tombstones(tombstone interval) returns table (subject uuid, version bigint)
  language sql volatile as $$
  select subject, version from person where erased_at < now() - tombstone order by erased_at limit 1000
$$;
create function lookup_bury(subjects uuid[], tombstone interval) returns void language plpgsql as $$
begin
  perform set_config('lookup.tombstone', tombstone::text, true);
  delete from person where subject = any (subjects) and erased_at < now() - tombstone;
end $$;

-- Which relay writes the feed. A lease, not a lock: a leader that sleeps loses it, and its term with it.
create table relay_lease (
  only_row boolean primary key default true check (only_row),
  holder text not null,
  term bigint not null,
  held_until timestamptz not null
);
-- Takes or renews the lease. term_least: a term that is known to have been given out elsewhere.
create function lookup_lease(who text, lasts interval, term_least bigint) returns bigint language sql volatile as $$
  insert into relay_lease (holder, term, held_until) values (who, greatest(1, term_least), now() + lasts)
  on conflict (only_row) do update set
    holder = who,
    term = greatest(relay_lease.term + case when relay_lease.holder = who then 0 else 1 end, term_least),
    held_until = now() + lasts
    where relay_lease.holder = who or relay_lease.held_until < now()
  returning term
$$;
create function lookup_release(who text) returns void language sql volatile as $$
  update relay_lease set held_until = now() - interval '1 second' where holder = who
$$;

-- For whoever found that this source lost history: every version given out from now on is above all seen.
-- Several readers may find it at once: the counter is raised by the first, who still sees the epoch of before.
create function lookup_new_epoch(version_seen bigint, epoch_seen text) returns void language plpgsql as $$
begin
  lock table source_epoch in exclusive mode;
  if (select last_value from change_version) <= version_seen then
    perform setval('change_version', version_seen + 1000000);
  end if;
  if lookup_source_epoch() = epoch_seen then
    update source_epoch set counter = counter + 1;
  end if;
end $$;
