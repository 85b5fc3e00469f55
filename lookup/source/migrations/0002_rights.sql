-- Who may write people need not be able to write what is told of them: the outbox, the lease and the rest are written
-- by functions that run with the rights of their owner, and are executed by those alone who need them. Roles that have
-- these rights are made by "lookup migrate --roles". In such a function every name is looked for in this schema first:
-- a temporary table of the caller's must not stand in for one of ours.
do $$
declare
  owned regprocedure;
begin
  foreach owned in array array[
    'person_after()', 'area_after()', 'lookup_begin_first_load()', 'lookup_keep(pg_snapshot, interval)',
    'lookup_bury(uuid[], interval)', 'lookup_lease(text, interval, bigint)', 'lookup_release(text)',
    'lookup_new_epoch(bigint, text)']::regprocedure[]
  loop
    execute format('alter function %s security definer set search_path = %I, pg_temp', owned, current_schema());
    execute format('revoke execute on function %s from public', owned);
  end loop;
end $$;
