-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Counts one message, or says which limit is reached and counts nothing: one step of Redis or Valkey.
--
-- KEYS[1]  the counters of one user or client
-- ARGV     recipients of the message; then the limits, 0 for none: messages per hour, messages per day, recipients per
--          hour, recipients per day, messages at once; then the seconds in which one of those at once is free again
-- Returns 0, or the number of the limit in this order.
--
-- An hour is twelve slices of five minutes, a day twelve of two hours. The sum goes over the present slice and the
-- twelve before it, so no stretch of an hour (a day) ever holds more than the limit, whenever it begins.

local SLICES = 12
local KINDS = {
  { name = 'mh', length = 300, cost = 1 },
  { name = 'md', length = 7200, cost = 1 },
  { name = 'rh', length = 300, cost = tonumber(ARGV[1]) },
  { name = 'rd', length = 7200, cost = tonumber(ARGV[1]) },
}
-- The clock of the store: those of the relays may differ.
local now = tonumber(redis.call('TIME')[1])

local counters = redis.call('HGETALL', KEYS[1])
local sums, level, old = {}, 0, {}
local lengths = {}
for _, kind in ipairs(KINDS) do
  lengths[kind.name] = kind.length
end
for i = 1, #counters, 2 do
  local field, value = counters[i], tonumber(counters[i + 1])
  local name, slice = string.match(field, '^(%a+):(%d+)$')
  if not name then
    if field == 'level' then level = value end
  elseif tonumber(slice) < math.floor(now / lengths[name]) - SLICES then
    old[#old + 1] = field
  else
    sums[name] = (sums[name] or 0) + value
  end
end

for number, kind in ipairs(KINDS) do
  local limit = tonumber(ARGV[number + 1])
  if limit > 0 and (sums[kind.name] or 0) + kind.cost > limit then
    return number
  end
end

-- A bucket that leaks.
local burst, interval = tonumber(ARGV[6]), tonumber(ARGV[7])
if burst > 0 then
  local last = tonumber(redis.call('HGET', KEYS[1], 'last') or now)
  level = math.max(0, level - (now - last) / interval)
  if level + 1 > burst then
    return 5
  end
  redis.call('HSET', KEYS[1], 'level', tostring(level + 1), 'last', tostring(now))
end

local expire = 3600 + 300
for number, kind in ipairs(KINDS) do
  if tonumber(ARGV[number + 1]) > 0 then
    redis.call('HINCRBY', KEYS[1], kind.name .. ':' .. math.floor(now / kind.length), kind.cost)
    expire = math.max(expire, (SLICES + 1) * kind.length)
  end
end
if #old > 0 then
  redis.call('HDEL', KEYS[1], unpack(old))
end
redis.call('EXPIRE', KEYS[1], expire)
return 0
