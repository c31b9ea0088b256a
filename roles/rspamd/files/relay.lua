-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What this relay refuses on account of who has sent it: quotas, and the From header; and what it signs. Nothing else of
-- rspamd is loaded.

local logger = require "rspamd_logger"
local ucl = require "ucl"

local files = rspamd_config:get_all_opt('relay')

local function read_settings(path)
  local parser = ucl.parser()
  local read_well, problem = parser:parse_file(path)
  if not read_well then
    error(string.format('%s: %s', path, problem))
  end
  return parser:get_object()
end

local function read_text(path)
  local stream = assert(io.open(path, 'r'))
  local text = stream:read('*a')
  stream:close()
  return text
end

local settings = read_settings(files.settings)
local quota, sender, sign

if settings.quotas then
  local secrets = read_settings(files.store_access)
  local store = dofile(files.store)
  store.open(secrets.servers, type(secrets.password) == 'string' and secrets.password or nil)
  store.watch()
  quota = dofile(files.quota)
  quota.open(settings, store, read_text(files.count))
end
if settings.from_header then
  sender = dofile(files.sender)
  sender.open(settings, dofile(files.addresses))
end

if next(settings.signing) then
  sign = dofile(files.sign)
  sign.open(settings, files.sign:match('^(.*)/'))
end

-- What others have chosen, as it may stand in a reply and in the log: in one line, and not for ever.
local function shown(text)
  text = text:gsub('[^ -~]', '?'):gsub('%%', '?')
  return #text > 200 and text:sub(1, 200) .. '...' or text
end

local function judge(task)
  local function refuse(action, text)
    task:set_pre_result(action, text, 'relay')
  end
  local problem = sender and sender.judge(task, shown)
  if problem then
    return refuse('reject', problem)
  end
  if quota then
    quota.count(task, shown, refuse)
  end
end

-- Header fields are read, and the text is not taken apart: words, links and language are half of what rspamd does with a
-- message, and nothing here asks for them.
rspamd_config:register_symbol {
  name = 'RELAY_HEADER_ONLY',
  type = 'connfilter',
  flags = 'empty,nostat',
  callback = function(task)
    task:set_flag('skip_process')
  end,
}

if sender or quota then
  rspamd_config:register_symbol {
    name = 'RELAY',
    type = 'prefilter',
    flags = 'empty,nostat',
    callback = function(task)
      local judged, problem = pcall(judge, task)
      if not judged then
        logger.errx(task, 'relay: cannot judge: %s', problem)
        task:set_pre_result('soft reject', 'this message cannot be judged now', 'relay')
      end
    end,
  }
end

if sign then
  rspamd_config:register_symbol {
    name = 'RELAY_SIGN',
    type = 'postfilter',
    flags = 'empty,nostat',
    callback = function(task)
      if task:has_pre_result() then
        return
      end
      local ended, signed = pcall(sign.sign, task)
      if not ended then
        logger.errx(task, 'relay: cannot sign: %s', signed)
      end
      if not ended or not signed then
        task:set_pre_result('soft reject', 'this message cannot be signed now', 'relay')
      end
    end,
  }
end
