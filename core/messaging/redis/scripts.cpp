#include "messaging/redis/scripts.hpp"

#include <string>

namespace spikard::messaging::redis {
namespace {

// Redis 7: XCLAIM takes what its stream has no more out of the pending entries and does not return it.
constexpr std::string_view common = R"lua(
local call = redis.call
local parked = '-'
local function now()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function map(flat)
  local out = {}
  for i = 1, #flat, 2 do out[flat[i]] = flat[i + 1] end
  return out
end
-- Of a sorted set and of the hash of records: what it is about.
local function member(id, key) return id .. ' ' .. key end
local function pending(key, group, id) return call('XPENDING', key, group, id, id, 1)[1] end
-- Whether `me` has it, as its `count`th delivery, and its lease runs.
local function ours(key, group, id, me, count, lease)
  local p = pending(key, group, id)
  return p and p[2] == me and p[4] == tonumber(count) and p[3] < tonumber(lease)
end
local function later(a, b)
  local ams, an = string.match(a, '^(%d+)-(%d+)$')
  local bms, bn = string.match(b, '^(%d+)-(%d+)$')
  ams, an, bms, bn = tonumber(ams), tonumber(an), tonumber(bms), tonumber(bn)
  return ams > bms or (ams == bms and an > bn)
end
local function last_id(key)
  if call('EXISTS', key) == 0 then return '0-0' end
  return map(call('XINFO', 'STREAM', key))['last-generated-id']
end
local function create(key, group, start)
  local made = redis.pcall('XGROUP', 'CREATE', key, group, start, 'MKSTREAM')
  if type(made) == 'table' and made.err and string.sub(made.err, 1, 9) ~= 'BUSYGROUP' then return made end
end
local function announce(topics, topic, bell)
  if call('SADD', topics, topic) == 1 then call('PUBLISH', bell, topic) end
end
)lua";

std::string script(std::string_view body) { return std::string(common).append(body); }

}  // namespace

Scripts::Scripts()
    :  // topics; topic, bell
      announce(script(R"lua(
announce(KEYS[1], ARGV[1], ARGV[2])
return 1
)lua")),
      // groups, generation, topics, streams...; field, group, style, lease, start, how many topics there are (-1: whatever)
      // The group's name; nothing: there are other topics by now.
      open(script(R"lua(
local had = call('HGET', KEYS[1], ARGV[1])
local name, start
if had then
  name, start = string.match(had, '^%S+ %S+ (.*)$'), '0'
else
  if ARGV[6] ~= '-1' and call('SCARD', KEYS[3]) ~= tonumber(ARGV[6]) then return false end
  name, start = ARGV[2] .. ':' .. string.format('%.0f', call('INCR', KEYS[2])), ARGV[5]
end
for i = 4, #KEYS do
  local failed = create(KEYS[i], name, start)
  if failed then return failed end
end
call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. name)
return name
)lua")),
      // groups, generation, topics, due, records (of what it was), streams...; as `open`, then the name it had
      seek(script(R"lua(
local had = call('HGET', KEYS[1], ARGV[1])
if ((had and string.match(had, '^%S+ %S+ (.*)$')) or '') ~= ARGV[7] then return false end
if ARGV[6] ~= '-1' and call('SCARD', KEYS[3]) ~= tonumber(ARGV[6]) then return false end
local name = ARGV[2] .. ':' .. string.format('%.0f', call('INCR', KEYS[2]))
for i = 6, #KEYS do
  local start = ARGV[5]
  if start ~= '$' and later(start, last_id(KEYS[i])) then start = '$' end
  local failed = create(KEYS[i], name, start)
  if failed then return failed end
end
call('HSET', KEYS[1], ARGV[1], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. name)
if had then
  for i = 6, #KEYS do redis.pcall('XGROUP', 'DESTROY', KEYS[i], ARGV[7]) end
  call('UNLINK', KEYS[4], KEYS[5])
end
return name
)lua")),
      // due, records, streams...; group, me, lease, how many at most, how long a consumer without messages may be silent
      // Milliseconds until the next is due (-1: none), then key, id, count, fields, record of each.
      look(script(R"lua(
local group, me, lease, room, silent = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local at = now()
local out = {-1}
local taken = 0
local function take(key, id, count, claimed)
  local m = member(id, key)
  if not claimed[1] then
    call('HDEL', KEYS[2], m)
    return
  end
  taken = taken + 1
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4] = key, id, count, claimed[1][2]
  out[n + 5] = call('HGET', KEYS[2], m) or ''
end
for _, m in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', at, 'LIMIT', 0, room)) do
  local id, key = string.match(m, '^(%S+) (.*)$')
  local p = pending(key, group, id)
  call('ZREM', KEYS[1], m)
  if not p then call('HDEL', KEYS[2], m)
  elseif p[2] == parked then take(key, id, p[4] + 1, call('XCLAIM', key, group, me, 0, id)) end
end
for i = 3, #KEYS do
  for _, flat in ipairs(call('XINFO', 'CONSUMERS', KEYS[i], group)) do
    local c = map(flat)
    if c.name == parked or taken >= room then
    elseif c.pending > 0 then
      for _, p in ipairs(call('XPENDING', KEYS[i], group, 'IDLE', lease, '-', '+', room - taken, c.name)) do
        take(KEYS[i], p[1], p[4] + 1, call('XCLAIM', KEYS[i], group, me, lease, p[1]))
      end
    elseif c.name ~= me and c.idle > silent then
      call('XGROUP', 'DELCONSUMER', KEYS[i], group, c.name)
    end
  end
end
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] then out[1] = math.max(tonumber(first[2]) - at, 0) end
return out
)lua")),
      // due, records, streams...; group, me, how many at most, then what is in hand
      // As `look`: each with the count that it has.
      recover(script(R"lua(
local group, me, room = ARGV[1], ARGV[2], tonumber(ARGV[3])
local held = {}
for i = 4, #ARGV do held[ARGV[i]] = true end
local out = {-1}
local taken = 0
for i = 3, #KEYS do
  for _, p in ipairs(call('XPENDING', KEYS[i], group, '-', '+', #ARGV + room, me)) do
    local m = member(p[1], KEYS[i])
    if not held[m] and taken < room then
      local claimed = call('XCLAIM', KEYS[i], group, me, 0, p[1], 'RETRYCOUNT', p[4])
      if claimed[1] then
        taken = taken + 1
        local n = #out
        out[n + 1], out[n + 2], out[n + 3], out[n + 4] = KEYS[i], p[1], p[4], claimed[1][2]
        out[n + 5] = call('HGET', KEYS[2], m) or ''
      else
        call('HDEL', KEYS[2], m)
      end
    end
  end
end
return out
)lua")),
      // due, records, stream; group, me, id, count, lease, after, record. 0: not ours.
      back(script(R"lua(
if not ours(KEYS[3], ARGV[1], ARGV[3], ARGV[2], ARGV[4], ARGV[5]) then return 0 end
local m = member(ARGV[3], KEYS[3])
if not call('XCLAIM', KEYS[3], ARGV[1], parked, 0, ARGV[3], 'JUSTID')[1] then
  call('HDEL', KEYS[2], m)
  return 1
end
call('ZADD', KEYS[1], now() + ARGV[6], m)
if ARGV[7] == '' then call('HDEL', KEYS[2], m) else call('HSET', KEYS[2], m, ARGV[7]) end
return 1
)lua")),
      // due, records, stream; as `back`
      keep(script(R"lua(
if not ours(KEYS[3], ARGV[1], ARGV[3], ARGV[2], ARGV[4], ARGV[5]) then return 0 end
call('HSET', KEYS[2], member(ARGV[3], KEYS[3]), ARGV[7])
return 1
)lua")),
      // records, stream, the dead letters' stream, their list, topics; group, me, id, count, lease, their topic, bell, fields...
      bury(script(R"lua(
if not ours(KEYS[2], ARGV[1], ARGV[3], ARGV[2], ARGV[4], ARGV[5]) then return 0 end
announce(KEYS[5], ARGV[6], ARGV[7])
local fields = {unpack(ARGV, 8)}
local id = call('XADD', KEYS[3], '*', unpack(fields))
call('XADD', KEYS[4], id, unpack(fields))
call('XACK', KEYS[2], ARGV[1], ARGV[3])
call('HDEL', KEYS[1], member(ARGV[3], KEYS[2]))
return 1
)lua")),
      // stream; group, me, lease, then id and count of each. Those that were lost.
      extend(script(R"lua(
local lost = {}
for i = 4, #ARGV, 2 do
  if not ours(KEYS[1], ARGV[1], ARGV[i], ARGV[2], ARGV[i + 1], ARGV[3])
    or not call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')[1] then
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
)lua")),
      // streams...; group, me. What it still holds keeps it there.
      leave(script(R"lua(
for i = 1, #KEYS do
  local held = redis.pcall('XPENDING', KEYS[i], ARGV[1], '-', '+', 1, ARGV[2])
  if not held.err and not held[1] then call('XGROUP', 'DELCONSUMER', KEYS[i], ARGV[1], ARGV[2]) end
end
return 1
)lua")),
      // due, streams...; group. Waiting, in hand, delayed.
      info(script(R"lua(
local waiting, held = 0, 0
for i = 2, #KEYS do
  if call('EXISTS', KEYS[i]) == 1 then
    for _, flat in ipairs(call('XINFO', 'GROUPS', KEYS[i])) do
      local g = map(flat)
      if g.name == ARGV[1] then
        held = held + g.pending
        local lag = g.lag
        if not lag then
          -- Some were deleted, so the server does not know.
          lag = 0
          local from = g['last-delivered-id']
          repeat
            local some = call('XRANGE', KEYS[i], '(' .. from, '+', 'COUNT', 1000)
            lag = lag + #some
            if some[1] then from = some[#some][1] end
          until #some < 1000 or lag >= 1000000
        end
        waiting = waiting + lag
      end
    end
  end
end
local all = call('ZCARD', KEYS[1])
local delayed = call('ZCOUNT', KEYS[1], '(' .. string.format('%.0f', now()), '+inf')
return {waiting + all - delayed, held - all, delayed}
)lua")),
      // groups, due, records, streams...; field, what it says, name, lease, how long a consumer may be silent
      // -1: it has consumers, 0: it is another one by now.
      forget(script(R"lua(
if call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local lease, silent = tonumber(ARGV[4]), tonumber(ARGV[5])
for i = 4, #KEYS do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[i], ARGV[3])
  if not consumers.err then
    for _, flat in ipairs(consumers) do
      local c = map(flat)
      if c.name ~= parked then
        if c.idle < silent then return -1 end
        for _, p in ipairs(call('XPENDING', KEYS[i], ARGV[3], '-', '+', 1000, c.name)) do
          if p[3] < lease then return -1 end
        end
      end
    end
  end
end
for i = 4, #KEYS do redis.pcall('XGROUP', 'DESTROY', KEYS[i], ARGV[3]) end
call('UNLINK', KEYS[2], KEYS[3])
call('HDEL', KEYS[1], ARGV[1])
return 1
)lua")),
      // their list; from, to, how many, whether with payloads. Without, a payload is its size.
      letters(script(R"lua(
local found = call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
if ARGV[4] == '0' then
  for _, entry in ipairs(found) do
    local fields = entry[2]
    for i = 1, #fields, 2 do
      if fields[i] == 'payload' then
        fields[i + 1] = tostring(#fields[i + 1])
        break
      end
    end
  end
end
return found
)lua")),
      // their list, the stream it goes to, topics; id, topic, bell, fields...
      redrive(script(R"lua(
if call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
announce(KEYS[3], ARGV[2], ARGV[3])
call('XADD', KEYS[2], '*', unpack(ARGV, 4))
return 1
)lua")),
      // their list, their stream; ids...
      purge(script(R"lua(
local count = 0
for _, id in ipairs(ARGV) do
  if call('XDEL', KEYS[1], id) == 1 then
    count = count + 1
    call('XDEL', KEYS[2], id)
  end
end
return count
)lua")),
      // stream; how long what nobody waits for is kept
      trim(script(R"lua(
if call('EXISTS', KEYS[1]) == 0 then return 0 end
local from = string.format('%.0f-0', math.max(now() - ARGV[1], 0))
for _, flat in ipairs(call('XINFO', 'GROUPS', KEYS[1])) do
  local g = map(flat)
  local wanted = g['last-delivered-id']
  if g.pending > 0 then wanted = call('XPENDING', KEYS[1], g.name)[2] end
  if later(from, wanted) then from = wanted end
end
return call('XTRIM', KEYS[1], 'MINID', '~', from)
)lua")) {}

}  // namespace spikard::messaging::redis
