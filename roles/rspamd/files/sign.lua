-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- DKIM signatures (RFC 6376), as the role opendkim would make them, of mail from the host itself, its networks and users.
--
-- Not rspamd's module dkim_signing: where it finds no key, or cannot use one, mail leaves unsigned.

local logger = require "rspamd_logger"

-- Signed once more than they occur, so that nobody can add another to a signed message: those with (o). Of the rest, what
-- is there (RFC 6376 section 5.4.1).
local HEADERS = table.concat({
  '(o)from', '(o)reply-to', '(o)subject', 'date', 'message-id', 'to', 'cc', 'mime-version', 'content-type',
  'content-transfer-encoding', 'in-reply-to', 'references', 'resent-date', 'resent-from', 'resent-to', 'resent-cc',
  'list-id', 'list-help', 'list-unsubscribe', 'list-unsubscribe-post', 'list-subscribe', 'list-post', 'list-owner',
  'list-archive',
}, ':')

local sign = {}

function sign.open(settings, folder)
  sign.selectors, sign.folder = settings.signing, folder
  sign.networks = rspamd_config:radix_from_ucl(settings.networks)
end

local function is_ours(task)
  local user = task:get_user()
  if user and user ~= '' then
    return true
  end
  local address = task:get_from_ip()
  -- Bounces and mail from sendmail come without an address, or from the loopback.
  if not address or not address:is_valid() or address:is_local() then
    return true
  end
  return sign.networks:get_key(address) and true or false
end

-- Return the domain that signs for the address in From: its own or the nearest above it; nil where there is none.
local function domain_of(task)
  local from = task:get_from('mime')
  local domain = from and from[1] and from[1].domain and from[1].domain:lower()
  while domain and not sign.selectors[domain] do
    domain = domain:match('^[^.]+%.(.+)$')
  end
  return domain
end

-- Sign the message where that is due. Return false where it could not be done.
function sign.sign(task)
  local domain = is_ours(task) and domain_of(task)
  if not domain then
    return true
  end
  local selector = sign.selectors[domain]
  local done = rspamd_plugins.dkim.sign(task, {
    domain = domain,
    selector = selector,
    key = sign.folder .. '/' .. domain .. '.private',
    headers = HEADERS,
  })
  if not done then
    logger.errx(task, 'relay: not signed, deferred: d=%s s=%s', domain, selector)
  end
  return done and true or false
end

return sign
