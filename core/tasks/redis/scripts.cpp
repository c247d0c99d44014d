#include "tasks/redis/scripts.hpp"

#include <string>
#include <string_view>

namespace spikard::tasks::redis {
namespace {

// Sequences are texts of 15 digits everywhere: Lua's numbers print too few. `ready` is in the order of a claim: by the score
// (priority), then by the member (run_at, sequence).
constexpr std::string_view common = R"lua(
local call, fmt, sub, match = redis.call, string.format, string.sub, string.match
local base, shared, root, sender = sub(KEYS[1], 1, -2), ARGV[1], ARGV[2], ARGV[3]
local now, kept, kept_failed = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local ended = {completed = true, cancelled = true, discarded = true}
local changed, woken, seen, revoked, any_ended = {}, {}, {}, false, false

local function text(n) return fmt('%.0f', n) end
local function member(run_at, seq) return fmt('%015.0f', run_at) .. seq end
local function parts(key) return match(key, '^(.*:)j:(%d+)$') end
local function count(b, state, by)
  local of = changed[b]
  if not of then of = {} changed[b] = of end
  of[state] = (of[state] or 0) + by
end
-- Who waits is told when the first job comes: while there are some, all who wait have been told.
local function ready(b, seq, priority, run_at)
  if not seen[b] then
    seen[b] = true
    if call('EXISTS', b .. 'ready') == 0 then woken[b] = true end
  end
  call('ZADD', b .. 'ready', -priority, member(run_at, seq))
end
local function place(b, seq, priority, run_at, waiting)
  if run_at <= now then
    ready(b, seq, priority, run_at)
    count(b, 'available', 1)
    return 'available'
  end
  call('ZADD', b .. 'due', run_at, seq)
  if not woken[b] and call('ZRANGE', b .. 'due', 0, 0)[1] == seq then woken[b] = true end
  count(b, waiting, 1)
  return waiting
end
local function load(key)
  return call('HMGET', key, 'state', 'priority', 'run_at', 'concurrency_key', 'held', 'lease', 'retention_ms', 'unique_key',
              'batch_key', 'error', 'dependants', 'attempt', 'max_attempts', 'expires_at')
end
local function gone(v) return not v[1] or (ended[v[1]] and v[14] and tonumber(v[14]) <= now) end
local function forget_waiting(b, name)
  if call('EXISTS', b .. 'h:' .. name) == 0 then call('SREM', shared .. 'w:' .. name, b) end
end
-- The first of each queue: one that is paused, or has no worker, keeps no place from the others. Who finds none is held again.
local function let_out(name)
  for _, b in ipairs(call('SMEMBERS', shared .. 'w:' .. name)) do
    local first = call('ZPOPMIN', b .. 'h:' .. name)
    if first[1] then
      call('ZADD', b .. 'ready', first[2], first[1])
      call('HDEL', b .. 'j:' .. sub(first[1], 16), 'held')
      woken[b] = true
    end
    forget_waiting(b, name)
  end
end
-- Out of the indexes of its state. Whoever calls it puts it into another one.
local function leave(key, b, seq, v)
  local state, name = v[1], v[4]
  local held = false
  count(b, state, -1)
  if state == 'running' then
    call('ZREM', b .. 'leases', seq)
    if name then call('SREM', shared .. 'c:' .. name, key) end
  elseif state == 'available' then
    held = v[5]
    call('ZREM', held and b .. 'h:' .. name or b .. 'ready', member(tonumber(v[3]), seq))
    if held then
      call('HDEL', key, 'held')
      forget_waiting(b, name)
    end
  elseif state == 'scheduled' or state == 'retryable' then
    call('ZREM', b .. 'due', seq)
  end
  if name and (state == 'running' or (state == 'available' and not held)) then let_out(name) end
end
-- One of the things a pending job waits for has come.
local function release(key)
  local v = load(key)
  if v[1] ~= 'pending' or call('HINCRBY', key, 'waits', -1) > 0 then return end
  local b, seq = parts(key)
  count(b, 'pending', -1)
  local run_at = math.max(tonumber(v[3]), now)
  call('HSET', key, 'run_at', text(run_at), 'state', place(b, seq, tonumber(v[2] or 0), run_at, 'scheduled'))
end
local function pending_of(v) return v[1] - (v[2] or 0) - (v[3] or 0) - (v[4] or 0) end
local function look_at_batch(key)
  local v = call('HMGET', key, 'total', 'completed', 'cancelled', 'discarded', 'callback', 'released')
  if not v[1] or pending_of(v) > 0 then return end
  local b, seq = match(key, '^(.*:)b:(%d+)$')
  call('ZADD', b .. 'batches', now + kept_failed, seq)
  if v[5] and not v[6] then
    call('HSET', key, 'released', 1)
    release(v[5])
  end
end
-- Ends a job and all that follows from it.
local function finish(first, of_first, is, why, code, result)
  local steps, i = {{first, of_first, is, why, code, result}}, 1
  while steps[i] do
    local key, v, to = steps[i][1], steps[i][2] or load(steps[i][1]), steps[i][3]
    why, code, result = steps[i][4], steps[i][5], steps[i][6]
    i = i + 1
    if v[1] and not ended[v[1]] then
      local b, seq = parts(key)
      leave(key, b, seq, v)
      local keep = tonumber(v[7] or 0)
      if keep == 0 then keep = to == 'completed' and kept or kept_failed end
      local expires = text(now + keep)
      if to == 'completed' then
        call('HSET', key, 'state', to, 'ended_at', ARGV[4], 'expires_at', expires, 'result', result)
        if v[10] then call('HDEL', key, 'error', 'error_code') end
      else
        call('HSET', key, 'state', to, 'ended_at', ARGV[4], 'expires_at', expires, 'error', why, 'error_code', code)
      end
      call('ZADD', b .. 'expiry', expires, seq)
      count(b, to, 1)
      if v[8] then call('DEL', shared .. 'u:' .. v[8]) end
      if v[11] then
        local reason
        if to ~= 'completed' then
          reason = 'job ' .. call('HGET', key, 'id') .. ', which it depends on, was ' .. to
        end
        local dependants = call('SMEMBERS', b .. 'd:' .. seq)
        table.sort(dependants)
        call('DEL', b .. 'd:' .. seq)
        call('HDEL', key, 'dependants')
        for _, other in ipairs(dependants) do
          if to == 'completed' then
            release(other)
          elseif call('HGET', other, 'state') == 'pending' then
            steps[#steps + 1] = {other, nil, 'cancelled', reason, 'dependency'}
          end
        end
      end
      if v[9] and call('EXISTS', v[9]) == 1 then
        call('HINCRBY', v[9], to, 1)
        look_at_batch(v[9])
      end
      any_ended = true
      if v[1] == 'running' and to == 'cancelled' then revoked = true end
    end
  end
end
-- What time alone changes in a queue.
local function sweep(b)
  for _, seq in ipairs(call('ZRANGEBYSCORE', b .. 'leases', '-inf', ARGV[4], 'LIMIT', 0, 500)) do
    local key = b .. 'j:' .. seq
    local v = load(key)
    call('HINCRBY', key, 'failures', 1)
    if tonumber(v[12]) >= tonumber(v[13] or 5) then
      finish(key, v, 'discarded', 'the worker\'s lease ran out', 'lease_lost')
    else
      leave(key, b, seq, v)
      ready(b, seq, tonumber(v[2] or 0), now)
      count(b, 'available', 1)
      call('HSET', key, 'state', 'available', 'run_at', ARGV[4], 'error', 'the worker\'s lease ran out', 'error_code', 'lease_lost')
    end
  end
  for _, seq in ipairs(call('ZRANGEBYSCORE', b .. 'due', '-inf', ARGV[4], 'LIMIT', 0, 500)) do
    local key = b .. 'j:' .. seq
    local v = load(key)
    leave(key, b, seq, v)
    ready(b, seq, tonumber(v[2] or 0), tonumber(v[3]))
    count(b, 'available', 1)
    call('HSET', key, 'state', 'available')
  end
end
-- What is kept no longer, a few at a time.
local function purge(b)
  for _, seq in ipairs(call('ZRANGEBYSCORE', b .. 'expiry', '-inf', ARGV[4], 'LIMIT', 0, 100)) do
    local key = b .. 'j:' .. seq
    count(b, call('HGET', key, 'state'), -1)
    call('DEL', key)
    call('ZREM', b .. 'expiry', seq)
    call('ZREM', b .. 'ids', seq)
  end
  for _, seq in ipairs(call('ZRANGEBYSCORE', b .. 'batches', '-inf', ARGV[4], 'LIMIT', 0, 100)) do
    local v = call('HMGET', b .. 'b:' .. seq, 'total', 'completed', 'cancelled', 'discarded')
    -- One of a job that was tried again gets another time when that has ended.
    if not v[1] or pending_of(v) == 0 then call('DEL', b .. 'b:' .. seq) end
    call('ZREM', b .. 'batches', seq)
  end
end
local function news()
  for b, of in pairs(changed) do
    for state, by in pairs(of) do
      if by ~= 0 then call('HINCRBY', b .. 'n', state, by) end
    end
  end
  local out = {(revoked and 'r' or '') .. (any_ended and 'e' or '')}
  for b in pairs(woken) do
    call('PUBLISH', b .. 'wake', sender)
    out[#out + 1] = b
  end
  if revoked then call('PUBLISH', root .. 'revoked', sender) end
  if any_ended then call('PUBLISH', root .. 'ended', sender) end
  return out
end
)lua";

std::string script(std::string_view body) { return std::string(common).append(body); }

}  // namespace

Scripts::Scripts()
    : enqueue(script(R"lua(
local again, origin, batch, callback, total = ARGV[7] == '1', ARGV[8], ARGV[10], ARGV[12] == '1', tonumber(ARGV[13])
if origin ~= '' then
  local before = call('GET', shared .. 'o:' .. origin)
  if before then return {'origin', {''}, before} end
end
-- First all is looked at, then all is done.
local at, mine, done_before, keys = {}, {}, false, {}
local i = 14
for n = 1, total do
  at[n] = i
  if call('EXISTS', ARGV[i] .. 'j:' .. ARGV[i + 1]) == 1 then
    if not again or call('HGET', ARGV[i] .. 'j:' .. ARGV[i + 1], 'enqueued_at') ~= ARGV[4] then return {'taken', {''}} end
    mine[n] = true
    done_before = true
  end
  i = i + 8 + tonumber(ARGV[i + 7])
  i = i + 1 + tonumber(ARGV[i])
end
if not done_before then
  for n = 1, total do
    local j = at[n]
    for k = j + 8, j + 7 + tonumber(ARGV[j + 7]) do
      if gone(load(ARGV[k])) then return {'nojob', {''}, ARGV[k]} end
    end
    if ARGV[j + 6] ~= '' and ARGV[j + 6] ~= batch then
      local v = call('HMGET', ARGV[j + 6], 'total', 'completed', 'cancelled', 'discarded')
      if not v[1] then return {'nobatch', {''}, ARGV[j + 6]} end
      if pending_of(v) == 0 then return {'donebatch', {''}, ARGV[j + 6]} end
    end
    local unique = ARGV[j + 5]
    if callback and unique ~= '' then
      if n == total and (keys[unique] or call('EXISTS', shared .. 'u:' .. unique) == 1) then return {'callbackkey', {''}} end
      keys[unique] = true
    end
  end
  if batch ~= '' then call('HSET', batch, 'id', ARGV[11], 'total', 0) end
end
purge(base)

local function insert(j, is_callback)
  local b, seq, id, priority, run_at, unique, of = ARGV[j], ARGV[j + 1], ARGV[j + 2], ARGV[j + 3], ARGV[j + 4], ARGV[j + 5], ARGV[j + 6]
  local key = b .. 'j:' .. seq
  if unique ~= '' then call('SET', shared .. 'u:' .. unique, id) end
  if of ~= '' then call('HINCRBY', of, 'total', 1) end
  local waits, broken = is_callback and 1 or 0, nil
  local fields = j + 8 + tonumber(ARGV[j + 7])
  for k = j + 8, fields - 1 do
    local v = call('HMGET', ARGV[k], 'state', 'id')
    if ended[v[1]] then
      if v[1] ~= 'completed' then broken = 'job ' .. v[2] .. ', which it depends on, was ' .. v[1] end
    else
      local nb, nseq = parts(ARGV[k])
      if call('SADD', nb .. 'd:' .. nseq, key) == 1 then
        call('HSET', ARGV[k], 'dependants', 1)
        waits = waits + 1
      end
    end
  end
  local state = 'pending'
  if waits > 0 or broken then
    count(b, 'pending', 1)
    call('HSET', key, 'waits', waits)
  else
    state = place(b, seq, tonumber(priority), tonumber(run_at), 'scheduled')
  end
  call('HSET', key, 'id', id, 'state', state, 'run_at', run_at, 'enqueued_at', ARGV[4], unpack(ARGV, fields + 1, fields + tonumber(ARGV[fields])))
  call('ZADD', b .. 'ids', 0, seq)
  if broken then finish(key, nil, 'cancelled', broken, 'dependency') end
  return key
end

local out = {}
for n = 1, total do
  local j = at[n]
  local is_callback = callback and n == total
  local other = not mine[n] and ARGV[j + 5] ~= '' and call('GET', shared .. 'u:' .. ARGV[j + 5])
  if mine[n] then
    out[n] = '+' .. ARGV[j + 2]
  elseif done_before then
    out[n] = '=' .. (other or '0')
  elseif other then
    out[n] = '=' .. other
  else
    local key = insert(j, is_callback)
    if is_callback then call('HSET', batch, 'callback', key, 'callback_id', ARGV[j + 2]) end
    out[n] = '+' .. ARGV[j + 2]
  end
end
if batch ~= '' and not done_before then look_at_batch(batch) end
if origin ~= '' then
  local ids = {}
  for n = 1, total do ids[n] = sub(out[n], 2) end
  call('SET', shared .. 'o:' .. origin, table.concat(ids, ','), 'PX', ARGV[9])
end
return {'ok', news(), out}
)lua")),
      claim(script(R"lua(
local most, worker, lease_until = tonumber(ARGV[7]), ARGV[8], text(now + tonumber(ARGV[9]))
local note, number, out = base .. 'k:' .. sender .. ':' .. worker, ARGV[11], {}
if ARGV[10] == '1' then
  local before = call('GET', note)
  if before and match(before, '^%d+') == number then
    for seq, lease in string.gmatch(before, ' (%d+):(%d+)') do
      local key = base .. 'j:' .. seq
      local v = call('HMGET', key, 'state', 'lease')
      if v[1] == 'running' and v[2] == lease then
        call('HSET', key, 'lease_until', lease_until)
        call('ZADD', base .. 'leases', lease_until, seq)
        out[#out + 1] = call('HGETALL', key)
      end
    end
    return {'ok', {''}, '0', out}
  end
end
sweep(base)
purge(base)
local q = call('HMGET', base .. 'q', 'paused', 'rate_count', 'rate_period_ms', 'rate_burst', 'rate_full_at_us')
local paused, rate = q[1] == '1', tonumber(q[2] or 0)
local allowed, interval, burst, full = most, 0, 0, 0
if rate > 0 then  -- tasks/rate.hpp
  interval = math.max(math.floor(tonumber(q[3]) * 1000 / rate), 1)
  burst = interval * (tonumber(q[4] or 0) > 0 and tonumber(q[4]) or rate)
  full = tonumber(q[5] or 0)
  local room = burst - math.max(full - now * 1000, 0)
  allowed = math.min(allowed, room <= 0 and 0 or math.floor(room / interval))
end
if paused then allowed = 0 end
while #out < allowed do
  local popped = call('ZPOPMIN', base .. 'ready', allowed - #out)
  if not popped[1] then break end
  for i = 1, #popped, 2 do
    local seq = sub(popped[i], 16)
    local key = base .. 'j:' .. seq
    local v = call('HMGET', key, 'concurrency_key', 'concurrency_limit', 'attempt', 'lease', 'progress')
    local name = v[1]
    if name and call('SCARD', shared .. 'c:' .. name) >= tonumber(v[2] or 1) then
      call('ZADD', base .. 'h:' .. name, popped[i + 1], popped[i])
      call('SADD', shared .. 'w:' .. name, base)
      call('HSET', key, 'held', 1)
    else
      if name then call('SADD', shared .. 'c:' .. name, key) end
      if v[5] then call('HDEL', key, 'progress') end
      call('HSET', key, 'state', 'running', 'attempt', (v[3] or 0) + 1, 'lease', (v[4] or 0) + 1, 'lease_until', lease_until,
           'worker', worker, 'started_at', ARGV[4])
      call('ZADD', base .. 'leases', lease_until, seq)
      out[#out + 1] = call('HGETALL', key)
      number = number .. ' ' .. seq .. ':' .. (v[4] or 0) + 1
    end
  end
end
local next_at = 0
if #out > 0 then
  call('SET', note, number, 'PX', ARGV[9])
  count(base, 'available', -#out)
  count(base, 'running', #out)
  if rate > 0 then
    call('HSET', base .. 'q', 'rate_full_at_us', text(math.max(full, now * 1000) + interval * #out))
  end
else
  local function soonest(at)
    if at and (next_at == 0 or at < next_at) then next_at = at end
  end
  soonest(tonumber(call('ZRANGE', base .. 'due', 0, 0, 'WITHSCORES')[2]))
  soonest(tonumber(call('ZRANGE', base .. 'leases', 0, 0, 'WITHSCORES')[2]))
  if not paused and rate > 0 and call('EXISTS', base .. 'ready') == 1 then
    soonest(math.max(math.ceil((full - burst + interval) / 1000), now + 1))
  end
end
if woken[base] and call('EXISTS', base .. 'ready') == 0 then woken[base] = nil end
return {'ok', news(), text(next_at), out}
)lua")),
      settle(script(R"lua(
local again, i, lost = ARGV[7] == '1', 9, {}
for n = 1, tonumber(ARGV[8]) do
  local kind, seq, lease = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local key = base .. 'j:' .. seq
  local v = load(key)
  local ours = v[1] == 'running' and v[6] == lease
  i = i + 3
  if not ours then
    local before = again and v[6] == lease and ((kind == 'c' and v[1] == 'completed') or (kind == 'd' and v[1] == 'discarded') or
      (kind == 'a' and v[1] == 'retryable') or ((kind == 'a' or kind == 'h') and v[1] == 'available' and call('HGET', key, 'error_code') ~= 'lease_lost'))
    if not before then lost[#lost + 1] = n end
  end
  if kind == 'c' then
    if ours then finish(key, v, 'completed', nil, nil, ARGV[i]) end
    i = i + 1
  elseif kind == 'd' then
    if ours then
      call('HSET', key, 'attempt', ARGV[i], 'failures', ARGV[i + 1])
      finish(key, v, 'discarded', ARGV[i + 2], ARGV[i + 3])
    end
    i = i + 4
  elseif kind == 'a' then
    if ours then
      leave(key, base, seq, v)
      local run_at = now + tonumber(ARGV[i + 4])
      call('HSET', key, 'attempt', ARGV[i], 'failures', ARGV[i + 1], 'error', ARGV[i + 2], 'error_code', ARGV[i + 3], 'run_at', text(run_at),
           'state', place(base, seq, tonumber(v[2] or 0), run_at, 'retryable'))
    end
    i = i + 5
  else
    if ours then
      leave(key, base, seq, v)
      ready(base, seq, tonumber(v[2] or 0), tonumber(v[3]))
      count(base, 'available', 1)
      call('HSET', key, 'state', 'available', 'attempt', ARGV[i])
    end
    i = i + 1
  end
end
return {'ok', news(), lost}
)lua")),
      extend(script(R"lua(
local by, lost = tonumber(ARGV[7]), {}
local lease_until = text(now + by)
for i = 9, 8 + 2 * tonumber(ARGV[8]), 2 do
  local key = base .. 'j:' .. ARGV[i]
  local v = call('HMGET', key, 'state', 'lease')
  if v[1] ~= 'running' or v[2] ~= ARGV[i + 1] then
    lost[#lost + 1] = (i - 7) / 2
  elseif by > 0 then
    call('HSET', key, 'lease_until', lease_until)
    call('ZADD', base .. 'leases', lease_until, ARGV[i])
  end
end
return {'ok', {''}, lost}
)lua")),
      progress(script(R"lua(
local key = base .. 'j:' .. ARGV[7]
local v = call('HMGET', key, 'state', 'lease')
if not v[1] then return {'ok', {''}, -1} end
if v[1] ~= 'running' or v[2] ~= ARGV[8] then return {'ok', {''}, 0} end
call('HSET', key, 'progress', ARGV[9])
return {'ok', {''}, 1}
)lua")),
      job(script(R"lua(
sweep(base)
return {'ok', news(), call('HGETALL', base .. 'j:' .. ARGV[7])}
)lua")),
      list(script(R"lua(
sweep(base)
local most, state, task, schedule, batch = tonumber(ARGV[8]), ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local seqs, out, last = call('ZRANGEBYLEX', base .. 'ids', '(' .. ARGV[7], '+', 'LIMIT', 0, ARGV[9]), {}, ''
for n, seq in ipairs(seqs) do
  local key = base .. 'j:' .. seq
  local v = call('HMGET', key, 'state', 'run_at', 'expires_at', 'task', 'schedule', 'batch')
  local shown = v[1]
  if (shown == 'scheduled' or shown == 'retryable') and tonumber(v[2]) <= now then shown = 'available' end
  if (state == '' or state == shown) and (task == '' or task == v[4]) and (schedule == '' or schedule == v[5]) and
    (batch == '' or batch == v[6]) and not (ended[v[1]] and tonumber(v[3]) <= now) then
    out[#out + 1] = call('HGETALL', key)
    if #out == most then break end
  end
  if n == tonumber(ARGV[9]) then last = seq end
end
return {'ok', news(), last, out}
)lua")),
      cancel(script(R"lua(
sweep(base)
local key = base .. 'j:' .. ARGV[8]
local v = load(key)
local out = 1
if gone(v) then
  out = -1
elseif ended[v[1]] then
  out = ARGV[7] == '1' and v[1] == 'cancelled' and v[10] == ARGV[9] and 1 or 0
else
  finish(key, v, 'cancelled', ARGV[9], '')
end
return {'ok', news(), out}
)lua")),
      retry(script(R"lua(
sweep(base)
local key = base .. 'j:' .. ARGV[8]
local v = load(key)
if gone(v) then return {'ok', news(), -1} end
if not ended[v[1]] then return {'ok', news(), ARGV[7] == '1' and 1 or 0} end
if v[8] then
  local other = call('GET', shared .. 'u:' .. v[8])
  if other then return {'conflict', news(), other} end
  call('SET', shared .. 'u:' .. v[8], call('HGET', key, 'id'))
end
if v[9] and call('EXISTS', v[9]) == 1 then call('HINCRBY', v[9], v[1], -1) end
local _, seq = parts(key)
count(base, v[1], -1)
call('ZREM', base .. 'expiry', seq)
call('HDEL', key, 'ended_at', 'expires_at', 'result', 'waits')
local attempt = tonumber(v[12] or 0)
call('HSET', key, 'state', 'available', 'run_at', ARGV[4], 'max_attempts', math.max(tonumber(v[13] or 5), attempt + 1))
ready(base, seq, tonumber(v[2] or 0), now)
count(base, 'available', 1)
return {'ok', news(), 1}
)lua")),
      batch(script(R"lua(
return {'ok', {''}, call('HMGET', base .. 'b:' .. ARGV[7], 'total', 'completed', 'cancelled', 'discarded', 'callback_id')}
)lua")),
      stats(script(R"lua(
sweep(base)
local told = news()
return {'ok', told, call('HGETALL', base .. 'n'), call('HGETALL', base .. 'q')}
)lua")),
      set(script(R"lua(
call('HSET', base .. 'q', unpack(ARGV, 8))
if ARGV[7] == '1' then woken[base] = true end
return {'ok', news()}
)lua")),
      purge(script(R"lua(
purge(base)
local told = news()
return {'ok', told, call('ZCOUNT', base .. 'expiry', '-inf', ARGV[4])}
)lua")),
      number(R"lua(
local number = redis.call('HGET', KEYS[1], ARGV[1])
if number then return number end
number = redis.call('HLEN', KEYS[1]) + 1
if number > tonumber(ARGV[2]) then return false end
redis.call('HSET', KEYS[1], ARGV[1], number)
return tostring(number)
)lua"),
      swap(R"lua(
if (redis.call('HGET', KEYS[1], ARGV[3]) or '') ~= ARGV[4] then return 0 end
if ARGV[5] == '' then redis.call('HDEL', KEYS[1], ARGV[3]) else redis.call('HSET', KEYS[1], ARGV[3], ARGV[5]) end
if #ARGV > 5 then redis.call('HSET', KEYS[1], unpack(ARGV, 6)) end
if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return 1
)lua") {}

}  // namespace spikard::tasks::redis
