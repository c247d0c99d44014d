#include "cache/redis/scripts.hpp"

#include <string>
#include <string_view>

namespace spikard::cache::redis {
namespace {

// `live`: the flags' low bit is absent, ends at 2, gone at 10, generation at 18.
constexpr std::string_view common = R"lua(
local call = redis.call
local function header(key) return call('GETRANGE', key, 0, 24) end
local function ours(h, g) return #h == 25 and g and string.sub(h, 18, 25) == g end
local function live(h, g, now)
  if not ours(h, g) or string.byte(h) % 2 == 1 then return false end
  local ends = struct.unpack('>I8', h, 2)
  return ends == 0 or now < ends
end
local function generation(key, new)
  local g = call('GET', key)
  if not g then
    g = new
    call('SET', key, g)
  end
  return g
end
local function store(key, value, px)
  if px == '0' then call('SET', key, value) else call('SET', key, value, 'PX', px) end
end
-- `member` is found by the tags of which KEYS from `first` on are the sets. Some members that went by themselves are taken out.
local function tagged(first, member, px)
  for i = first, #KEYS do
    local set = KEYS[i]
    local left = call('PTTL', set)
    call('SADD', set, member)
    if px == '0' then
      call('PERSIST', set)
    elseif left == -2 or (left >= 0 and left < tonumber(px)) then
      call('PEXPIRE', set, px)
    end
    for _, other in ipairs(call('SRANDMEMBER', set, 2)) do
      if call('EXISTS', other) == 0 then call('SREM', set, other) end
    end
  end
end
-- Where the value begins.
local function value_at(v)
  if math.floor(string.byte(v) / 2) % 2 == 1 then return 27 + 8 * string.byte(v, 26) end
  return 26
end
local function holds(lease, token, g)
  local v = call('GET', lease)
  return v and #v >= 41 and string.sub(v, -16) == token and (not g or string.sub(v, 18, 25) == g)
end
)lua";

std::string script(std::string_view body) { return std::string(common).append(body); }

}  // namespace

Scripts::Scripts()
    : put(script(R"lua(
local mode, px = ARGV[1], ARGV[7]
local g = generation(KEYS[2], ARGV[3])
if mode == 'nx' and live(header(KEYS[1]), g, tonumber(ARGV[2])) then return 0 end
if mode == 'keep' and not holds(KEYS[3], ARGV[8], g) then return 0 end
store(KEYS[1], ARGV[4] .. g .. ARGV[5] .. ARGV[6], px)
call('UNLINK', KEYS[3])
tagged(4, KEYS[1], px)
return 1
)lua")),
      remove(script(R"lua(
local was = live(header(KEYS[1]), call('GET', KEYS[2]), tonumber(ARGV[1]))
call('UNLINK', KEYS[1], KEYS[3])
return was and 1 or 0
)lua")),
      remove_if(script(R"lua(
local v = call('GET', KEYS[1])
if not v or not live(string.sub(v, 1, 25), call('GET', KEYS[2]), tonumber(ARGV[1])) then return 0 end
if string.sub(v, value_at(v)) ~= ARGV[2] then return 0 end
call('UNLINK', KEYS[1], KEYS[3])
return 1
)lua")),
      touch(script(R"lua(
local h = header(KEYS[1])
if not live(h, call('GET', KEYS[2]), tonumber(ARGV[2])) then return 0 end
local ends, gone = struct.unpack('>I8I8', h, 2)
local grace = gone - ends
if ARGV[3] == '' then
  call('SETRANGE', KEYS[1], 1, string.rep('\0', 16))
  call('PERSIST', KEYS[1])
else
  ends = tonumber(ARGV[1]) + tonumber(ARGV[3])
  call('SETRANGE', KEYS[1], 1, struct.pack('>I8I8', ends, ends + grace))
  call('PEXPIRE', KEYS[1], string.format('%.0f', tonumber(ARGV[3]) + grace + tonumber(ARGV[4])))
end
call('UNLINK', KEYS[3])
return 1
)lua")),
      increment(script(R"lua(
local g = generation(KEYS[2], ARGV[2])
local v = call('GET', KEYS[1])
local old = v and live(string.sub(v, 1, 25), g, tonumber(ARGV[1]))
local text, head = '0', ''
if old then
  local at = value_at(v)
  text, head = string.sub(v, at), string.sub(v, 1, at - 1)
end
-- The server's own arithmetic of 64 bits: Lua has none.
call('SET', KEYS[4], text)
local done = redis.pcall('INCRBY', KEYS[4], ARGV[5])
local new = call('GET', KEYS[4])
call('DEL', KEYS[4])
if type(done) == 'table' then
  if string.find(done.err, 'overflow') then return 'range' end
  return 'integer'
end
if old then call('SET', KEYS[1], head .. new, 'KEEPTTL') else store(KEYS[1], ARGV[3] .. g .. new, ARGV[4]) end
call('UNLINK', KEYS[3])
return new
)lua")),
      reap(script(R"lua(
local h = header(KEYS[1])
if #h < 25 then return 0 end
local gone = struct.unpack('>I8', h, 10)
if gone == 0 or tonumber(ARGV[1]) < gone then return 0 end
return call('UNLINK', KEYS[1])
)lua")),
      lease(script(R"lua(
local now = tonumber(ARGV[1])
local g = generation(KEYS[2], ARGV[2])
local other = header(KEYS[3])
if ours(other, g) and now < struct.unpack('>I8', other, 2) then return 0 end
if ARGV[7] ~= '1' then
  local h = header(KEYS[1])
  if ours(h, g) then
    local ends = struct.unpack('>I8', h, 2)
    if ends == 0 or now < ends then return 2 end
  end
end
store(KEYS[3], ARGV[3] .. g .. ARGV[4] .. ARGV[5], ARGV[6])
tagged(4, KEYS[3], ARGV[6])
return 1
)lua")),
      renew(script(R"lua(
if not holds(KEYS[3], ARGV[1]) then return 0 end
call('SETRANGE', KEYS[3], 1, struct.pack('>I8I8', tonumber(ARGV[2]), tonumber(ARGV[2])))
return call('PEXPIRE', KEYS[3], ARGV[3])
)lua")),
      release(script(R"lua(
if holds(KEYS[3], ARGV[1]) then return call('UNLINK', KEYS[3]) end
return 0
)lua")),
      drop(script(R"lua(
if not holds(KEYS[3], ARGV[1], call('GET', KEYS[2])) then return 0 end
call('UNLINK', KEYS[1], KEYS[3])
return 1
)lua")),
      invalidate(script(R"lua(
local out = {0}
for _, key in ipairs(call('SPOP', KEYS[1], ARGV[2])) do
  local h = call('GETRANGE', key, 0, 25 + 8 * 128)
  if #h > 25 and math.floor(string.byte(h) / 2) % 2 == 1 then
    for i = 0, string.byte(h, 26) - 1 do
      if string.sub(h, 27 + 8 * i, 34 + 8 * i) == ARGV[1] then
        if call('UNLINK', key) == 1 then out[#out + 1] = key end
        break
      end
    end
  end
end
out[1] = call('SCARD', KEYS[1])
return out
)lua")),
      look(script(R"lua(
local g = call('GET', KEYS[1])
local now, count = tonumber(ARGV[1]), 0
for i = 2, #KEYS do
  local h = header(KEYS[i])
  if live(h, g, now) then
    count = count + 1
  elseif ARGV[2] == '1' and #h == 25 and not ours(h, g) then
    call('UNLINK', KEYS[i])
  end
end
return count
)lua")) {}

}  // namespace spikard::cache::redis
