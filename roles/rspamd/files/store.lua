-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The store of the counters: Redis or Valkey servers, and what this process knows of them.
--
-- A server that does not answer is not asked again by any message: it is tried apart from them until it answers. So a
-- store that hangs costs the messages that are under way one time-out, and nobody else anything.
--
-- rspamd's own Redis scripts are not used: version 3.4 never loads one again that it could not load once.

local logger = require "rspamd_logger"
local lua_redis = require "lua_redis"

local TIMEOUT = 1.0
local RETRY = 2.0
local PROBE = 'mailops.relay:probe'

local store = {}
local servers = {}

-- Take up the servers, or raise an error.
function store.open(addresses, password)
  for _, address in ipairs(addresses) do
    local options = { servers = address, password = password, timeout = TIMEOUT }
    local params = lua_redis.try_load_redis_servers(options, rspamd_config, true)
    if not params then
      error(string.format('store %s: not an address and a port', address))
    end
    servers[#servers + 1] = { address = address, params = params, away = false }
  end
end

-- The first one that answers: further ones are replicas, which may take over.
local function server_in_use()
  for _, server in ipairs(servers) do
    if not server.away then
      return server
    end
  end
end

local function is_away(server, reason)
  if not server.away then
    server.away = true
    logger.errx(rspamd_config, 'relay: store away: server=%s reason=%s', server.address, reason)
  end
end

local function is_back(server)
  server.away = false
  logger.warnx(rspamd_config, 'relay: store back: server=%s', server.address)
end

-- Run a script on the counters `key`, and hand its result to `done`; nil where no server answers.
function store.run(task, script, key, arguments, done)
  local server = server_in_use()
  if not server then
    return done(nil)
  end
  local answered = false
  local function answer(failure, result)
    if answered then
      return
    end
    answered = true
    if not failure then
      return done(result)
    end
    is_away(server, failure)
    store.run(task, script, key, arguments, done)
  end
  local command = { script, '1', key }
  for _, argument in ipairs(arguments) do
    command[#command + 1] = tostring(argument)
  end
  if not lua_redis.redis_make_request(task, server.params, key, true, answer, 'EVAL', command) then
    answer('no connection')
  end
end

-- By a write: a server that is full, or a replica, answers reads.
local function try_again(ev_base, server)
  local function answer(failure)
    server.tried = false
    if not failure and server.away then
      is_back(server)
    end
  end
  server.tried = true
  local probe = { PROBE, '1', 'EX', '60' }
  if not lua_redis.redis_make_request_taskless(ev_base, rspamd_config, server.params, PROBE, true, answer, 'SET',
      probe) then
    server.tried = false
  end
end

function store.watch()
  rspamd_config:add_on_load(function(_, ev_base)
    rspamd_config:add_periodic(ev_base, RETRY, function()
      for _, server in ipairs(servers) do
        if server.away and not server.tried then
          try_again(ev_base, server)
        end
      end
      return true
    end)
  end)
end

return store
