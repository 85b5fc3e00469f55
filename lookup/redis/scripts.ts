// What runs inside Redis, where comparing and writing is one step.
//
// Records lie in hashes p<keyspace>:{<bucket>}, 6 bytes of field -> envelope (layers/record-codec.ts). On each master
// one hash, the mark, says how far the records there are:
//
//   keyspace  in which keys this node's records lie; another one when they can no longer be vouched for
//   at        resolved time, in ms of the source's clock: all that was committed up to here is on this node
//   epoch     the source's epoch, of which `at` is
//   cursor    the relay's cursor that belongs to `at`: from here it replays when this node has lost writes
//   link      names the last write of the relay that arrived here; the next one must name it
//   term      of the leader that wrote last
//
// The feed lies in one slot: feed:{feed} (the stream), feed-head:{feed} (term, holder, last identity),
// feed-floors:{feed}.

import { createHash } from 'node:crypto';
import type { Script } from './nodes.ts';

const script = (name: string, lua: string): Script => ({
  name,
  lua,
  sha1: createHash('sha1').update(lua).digest('hex'),
});

export const FEED_KEY = 'feed:{feed}';
export const HEAD_KEY = 'feed-head:{feed}';
export const FLOORS_KEY = 'feed-floors:{feed}';
export const PROCESSES_KEY = 'processes:{feed}';

/**
 * KEYS mark · ARGV places (bucket 3 bytes, field 6 bytes, each)
 * -> [keyspace, at, epoch, found], found: for each place one byte of length and the envelope; or [] without a mark
 */
export const READ = script(
  'read',
  `
local mark = redis.call('HMGET', KEYS[1], 'keyspace', 'at', 'epoch')
if not mark[1] then return {} end
local places, found = ARGV[1], {}
local prefix = 'p' .. mark[1] .. ':{'
for i = 1, #places, 9 do
  local key = prefix .. struct.unpack('>I3', places, i) .. '}'
  local value = redis.call('HGET', key, string.sub(places, i + 3, i + 8))
  if value and #value < 256 then
    found[#found + 1] = string.char(#value)
    found[#found + 1] = value
  else
    found[#found + 1] = string.char(0)
  end
end
return {mark[1], mark[2], mark[3], table.concat(found)}`,
);

/** KEYS mark -> [keyspace, at, epoch, cursor]; or [] without a mark */
export const READ_MARK = script(
  'read-mark',
  `
local mark = redis.call('HMGET', KEYS[1], 'keyspace', 'at', 'epoch', 'cursor')
if not mark[1] then return {} end
return mark`,
);

/** KEYS mark · ARGV buckets (3 bytes each) -> as READ, with all that lies in these buckets. */
export const READ_BUCKETS = script(
  'read-buckets',
  `
local mark = redis.call('HMGET', KEYS[1], 'keyspace', 'at', 'epoch')
if not mark[1] then return {} end
local buckets, found = ARGV[1], {}
local prefix = 'p' .. mark[1] .. ':{'
for i = 1, #buckets, 3 do
  for _, value in ipairs(redis.call('HVALS', prefix .. struct.unpack('>I3', buckets, i) .. '}')) do
    if #value < 256 then
      found[#found + 1] = string.char(#value)
      found[#found + 1] = value
    end
  end
end
return {mark[1], mark[2], mark[3], table.concat(found)}`,
);

/** Records of `packed` (place, one byte of length, envelope, each) into `prefix`, each unless a newer one is there. */
const PUT_IF_NEWER = `
local function put(prefix, packed)
  local i, written = 1, 0
  while i <= #packed do
    local key = prefix .. struct.unpack('>I3', packed, i) .. '}'
    local field, length = string.sub(packed, i + 3, i + 8), string.byte(packed, i + 9)
    local value = string.sub(packed, i + 10, i + 9 + length)
    local old = redis.call('HGET', key, field)
    if not old or #old < 36 or string.byte(old) ~= string.byte(value)
      or string.sub(old, 21, 36) ~= string.sub(value, 21, 36)
      or struct.unpack('>d', old, 6) < struct.unpack('>d', value, 6) then
      redis.call('HSET', key, field, value)
      written = written + 1
    end
    i = i + 10 + length
  end
  return written
end`;

/**
 * A fill: what a process read from the source. KEYS mark · ARGV keyspace, as_of, fenceMs, epoch, packed
 * -> how many were written; -1: refused, because the node has changed since, or the read is too old
 */
export const FILL = script(
  'fill',
  `${PUT_IF_NEWER}
local mark = redis.call('HMGET', KEYS[1], 'keyspace', 'at', 'epoch')
if mark[1] ~= ARGV[1] or mark[3] ~= ARGV[4] then return -1 end
if tonumber(mark[2]) - tonumber(ARGV[2]) > tonumber(ARGV[3]) then return -1 end
return put('p' .. mark[1] .. ':{', ARGV[5])`,
);

/** KEYS mark · ARGV place, value: removes exactly this value, that could not be read. */
export const DROP = script(
  'drop',
  `
local keyspace = redis.call('HGET', KEYS[1], 'keyspace')
if not keyspace then return 0 end
local key, field = 'p' .. keyspace .. ':{' .. struct.unpack('>I3', ARGV[1]) .. '}', string.sub(ARGV[1], 4, 9)
if redis.call('HGET', key, field) ~= ARGV[2] then return 0 end
return redis.call('HDEL', key, field)`,
);

/**
 * The relay's writes, each naming the one before. KEYS mark · ARGV term, link before, link, packed, and for the last
 * of a batch: at, epoch, cursor
 * -> 'ok', or the mark [keyspace, at, epoch, cursor, link, term] when a write before has not arrived or another leads
 */
export const RELAY_WRITE = script(
  'relay-write',
  `${PUT_IF_NEWER}
local mark = redis.call('HMGET', KEYS[1], 'keyspace', 'at', 'epoch', 'cursor', 'link', 'term')
if mark[5] ~= ARGV[2] or tonumber(mark[6]) > tonumber(ARGV[1]) then return mark end
put('p' .. mark[1] .. ':{', ARGV[4])
redis.call('HSET', KEYS[1], 'link', ARGV[3], 'term', ARGV[1])
if ARGV[5] then redis.call('HSET', KEYS[1], 'at', ARGV[5], 'epoch', ARGV[6], 'cursor', ARGV[7]) end
return 'ok'`,
);

/**
 * Takes a node over: nothing of an earlier term is written there from now on. KEYS mark · ARGV term, link
 * -> the mark as it was, [] when there is none; or 'later' when a later term has been here
 */
export const CLAIM_NODE = script(
  'claim-node',
  `
local mark = redis.call('HMGET', KEYS[1], 'keyspace', 'at', 'epoch', 'cursor', 'link', 'term')
if not mark[1] then return {} end
if tonumber(mark[6]) > tonumber(ARGV[1]) then return 'later' end
redis.call('HSET', KEYS[1], 'link', ARGV[2], 'term', ARGV[1])
return mark`,
);

/** A node whose records nobody can vouch for begins anew. KEYS mark · ARGV term, link, keyspace, at, epoch, cursor */
export const BEGIN_NODE = script(
  'begin-node',
  `
local term = redis.call('HGET', KEYS[1], 'term')
if term and tonumber(term) > tonumber(ARGV[1]) then return 'later' end
redis.call('HSET', KEYS[1], 'term', ARGV[1], 'link', ARGV[2], 'keyspace', ARGV[3], 'at', ARGV[4], 'epoch', ARGV[5],
  'cursor', ARGV[6])
return 'ok'`,
);

/** Removes the tombstones of `packed`, each if it is still the same. KEYS mark · ARGV packed -> how many */
export const SWEEP = script(
  'sweep',
  `
local keyspace = redis.call('HGET', KEYS[1], 'keyspace')
if not keyspace then return 0 end
local packed, i, removed = ARGV[1], 1, 0
while i <= #packed do
  local key = 'p' .. keyspace .. ':{' .. struct.unpack('>I3', packed, i) .. '}'
  local field, version = string.sub(packed, i + 3, i + 8), struct.unpack('>d', packed, i + 9)
  local old = redis.call('HGET', key, field)
  if old and #old >= 36 and struct.unpack('>d', old, 6) <= version then
    removed = removed + redis.call('HDEL', key, field)
  end
  i = i + 17
end
return removed`,
);

/** A step through all keys: removes records of other keyspaces. KEYS mark · ARGV cursor, count -> the next cursor */
export const SWEEP_KEYSPACES = script(
  'sweep-keyspaces',
  `
local keyspace = redis.call('HGET', KEYS[1], 'keyspace')
if not keyspace then return '0' end
local prefix = 'p' .. keyspace .. ':{'
local found = redis.call('SCAN', ARGV[1], 'MATCH', 'p*:{*', 'COUNT', ARGV[2])
for _, key in ipairs(found[2]) do
  if string.match(key, '^p%x+:{%d+}$') and string.sub(key, 1, #prefix) ~= prefix then
    redis.call('UNLINK', key)
  end
end
return found[1]`,
);

/**
 * Leads: no append of an earlier term, or of another holder, from now on. KEYS stream, head · ARGV term, holder
 * -> ['ok' or 'later', the term that stands, identity of the last batch or '', its head or '']
 */
export const CLAIM_FEED = script(
  'claim-feed',
  `
local head = redis.call('HMGET', KEYS[2], 'term', 'holder')
local term = tonumber(head[1] or '0')
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local identity, about = '', ''
if last then identity, about = last[2][2], last[2][6] end
if term > tonumber(ARGV[1]) or (term == tonumber(ARGV[1]) and head[2] ~= ARGV[2]) then
  return {'later', tostring(term), identity, about}
end
redis.call('HSET', KEYS[2], 'term', ARGV[1], 'holder', ARGV[2])
return {'ok', ARGV[1], identity, about}`,
);

/**
 * KEYS stream, head, floors · ARGV term, holder, identity before, identity, number, about, packed people, batches kept,
 * 'all' when the floors are all there are, and then area, floor:version in pairs
 * -> 'ok', 'later' (another leads) or 'broken' (the stream's last batch is not the one named)
 */
export const APPEND = script(
  'append',
  `
local head = redis.call('HMGET', KEYS[2], 'term', 'holder')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then return 'later' end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local identity = last and last[2][2] or ''
if identity ~= ARGV[3] then return 'broken' end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[8], ARGV[1] .. '-' .. ARGV[5],
  'id', ARGV[4], 'before', ARGV[3], 'about', ARGV[6], 'people', ARGV[7])
if ARGV[9] == 'all' then redis.call('DEL', KEYS[3]) end
for i = 10, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
return 'ok'`,
);

/** KEYS stream, floors -> [id of the last entry, its identity, about, all floors (area, floor:version …)]; or [] */
export const POSITION = script(
  'position',
  `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not last then return {} end
return {last[1], last[2][2], last[2][6], redis.call('HGETALL', KEYS[2])}`,
);

/**
 * KEYS processes · ARGV name, about, lives for ms; with an empty name it only reads -> [name, about, …] of who lives
 */
export const REGISTER = script(
  'register',
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' then
  if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
  else redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[3]) .. ' ' .. ARGV[2]) end
end
local all, live = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local untilMs, about = string.match(all[i + 1], '^(%d+) (.*)$')
  if untilMs and tonumber(untilMs) >= now then
    live[#live + 1] = all[i]
    live[#live + 1] = about
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return live`,
);
