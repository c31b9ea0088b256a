-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The From header: an authenticated user writes there only what is the user's own, and so do programs of this host.
-- Clients of the trusted networks that do not log in are not held to it.

local logger = require "rspamd_logger"

local sender = {}

function sender.open(settings, addresses)
  sender.settings, sender.addresses = settings, addresses
  sender.owned = {}
  for name, senders in pairs(settings.senders) do
    sender.owned[name:lower()] = addresses.set(senders)
  end
end

local function envelope_sender(task)
  local from = task:get_from('smtp')
  return from and from[1] and from[1].addr or ''
end

local function is_loopback(address)
  return address == '::1' or address:match('^127%.') ~= nil
end

-- Who has written the message, and the set of addresses that are their own; nil where nobody is held to anything.
local function owner(task)
  local user, address = task:get_user(), task:get_from_ip()
  local envelope = sender.addresses.read('<' .. envelope_sender(task) .. '>')
  local own = envelope and sender.addresses.set({ envelope[1].name .. '@' .. envelope[1].domain }) or {}
  if user and user ~= '' then
    return 'user ' .. user:lower(), sender.owned[user:lower()] or own
  elseif address and address:is_valid() and is_loopback(address:to_string()) then
    -- Mail from sendmail(1). What has no envelope sender is a notice of this host: a bounce.
    if envelope_sender(task) == '' then
      own = sender.addresses.set({ '@' .. sender.settings.hostname })
    end
    return 'local', own
  end
end

local function judge_field(raw_header, name, own)
  for _, value in ipairs(sender.addresses.fields(raw_header, name:lower())) do
    local found, problem = sender.addresses.read(value)
    if not found then
      return string.format('%s cannot be read for certain: %s', name, problem)
    end
    if #found == 0 then
      return string.format('%s has no address', name)
    end
    for _, address in ipairs(found) do
      if not sender.addresses.holds(own, address) then
        return string.format('%s is not yours to use in %s', address.text, name), address.text
      end
    end
  end
end

-- Return why the message is refused, or nil.
function sender.judge(task, shown)
  local who, own = owner(task)
  if not who then
    return nil
  end
  local raw_header = tostring(task:get_raw_headers() or '')
  local froms = #sender.addresses.fields(raw_header, 'from')
  local problem, address
  if froms ~= 1 then
    problem = froms == 0 and 'there is no From header' or 'there is more than one From header'
  else
    problem, address = judge_field(raw_header, 'From', own)
    if not problem then
      problem, address = judge_field(raw_header, 'Sender', own)
    end
  end
  if problem then
    logger.warnx(task, 'relay: From refused: %s address=%s reason=%s', shown(who), shown(address or '-'),
        shown(problem))
    return shown(problem)
  end
end

return sender
