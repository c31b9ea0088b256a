-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Quotas: how much a user, or a client that does not log in, may send through all relays that share the store.
--
-- Not rspamd's module ratelimit: it counts what has passed in a second step, so that messages sent at once pass it
-- together; it lets any message through while its bucket is empty, and any that has postmaster among its recipients.

local logger = require "rspamd_logger"

local PREFIX = 'mailops.relay:quota:'
-- In the order of count.redis.lua.
local LIMITS = { 'messages_per_hour', 'messages_per_day', 'recipients_per_hour', 'recipients_per_day', 'burst' }
local TEXTS = {
  '%d messages per hour reached',
  '%d messages per day reached',
  '%d recipients per hour reached',
  '%d recipients per day reached',
  '%d messages at once reached',
}

local quota = {}

-- In the order of LIMITS; nil where there is none.
local function limits_of(settings)
  local limits, any = {}, false
  for i, name in ipairs(LIMITS) do
    limits[i] = settings[name]
    any = any or limits[i] > 0
  end
  return any and limits or nil
end

-- The seconds in which one of the messages at once is free again: as many as the hour, or the day, has for each.
local function interval_of(limits)
  if limits[1] > 0 then
    return 3600 / limits[1]
  end
  return limits[2] > 0 and 86400 / limits[2] or 3600
end

function quota.open(settings, store, script)
  quota.store, quota.script, quota.settings = store, script, settings
  quota.networks = rspamd_config:radix_from_ucl(settings.networks)
  quota.own = {}
  for name, limits in pairs(settings.own_quotas) do
    quota.own[name:lower()] = limits
  end
end

-- Whose message it is, and the limits; nil where nobody's mail is counted.
local function subject_of(task)
  local user = task:get_user()
  if user and user ~= '' then
    return 'user ' .. user:lower(), limits_of(quota.own[user:lower()] or quota.settings.user)
  end
  local address = task:get_from_ip()
  if not address or not address:is_valid() or not quota.networks:get_key(address) then
    return nil
  end
  if address:get_version() == 6 then
    return 'client ' .. address:apply_mask(64):to_string() .. '/64', limits_of(quota.settings.client)
  end
  return 'client ' .. address:to_string(), limits_of(quota.settings.client)
end

local function too_many(limits, recipients)
  for i = 3, 4 do
    if limits[i] > 0 and recipients > limits[i] then
      return limits[i]
    end
  end
end

-- Count the message, or have `refuse(action, text)` say why not.
function quota.count(task, shown, refuse)
  local subject, limits = subject_of(task)
  if not subject or not limits then
    return
  end
  local recipients = math.max(1, #(task:get_recipients('smtp') or {}))
  local most = too_many(limits, recipients)
  if most then
    logger.warnx(task, 'relay: too many recipients: %s recipients=%s limit=%s', shown(subject), recipients, most)
    return refuse('reject', string.format('%s: one message to %d recipients, at most %d accepted',
        shown(subject), recipients, most))
  end
  local arguments = { recipients, limits[1], limits[2], limits[3], limits[4], limits[5], interval_of(limits) }
  quota.store.run(task, quota.script, PREFIX .. subject, arguments, function(reached)
    if reached == nil then
      if quota.settings.without_store == 'defer' then
        logger.warnx(task, 'relay: not counted, deferred: %s', shown(subject))
        refuse('soft reject', 'quotas cannot be looked up, try again later')
      end
    elseif reached ~= 0 then
      logger.warnx(task, 'relay: quota reached: %s limit=%s value=%s', shown(subject), LIMITS[reached],
          limits[reached])
      refuse('soft reject', string.format('%s: ' .. TEXTS[reached] .. ', try again later', shown(subject),
          limits[reached]))
    end
  end)
end

return quota
