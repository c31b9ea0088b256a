-- Copyright: (c) 2026, Mailops contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Addresses of a header field, read as strictly as RFC 5322 section 3.4 has it.
--
-- A field that can be read in two ways is not read at all: the recipient's program would choose the other one. So there
-- is no white space or comment within an address, no route, no address without a domain.

local addresses = {}

local SPECIALS = '[<>:;@,.]'
local ATOM = "^[%w!#$%%&'*+/=?^_`{|}~\128-\255-]+"

-- Return the position behind the comment that begins at `at`, or nil.
local function skip_comment(text, at)
  local depth, position = 0, at
  while position <= #text do
    local char = text:sub(position, position)
    if char == '\\' then
      position = position + 1
    elseif char == '(' then
      depth = depth + 1
    elseif char == ')' then
      depth = depth - 1
      if depth == 0 then
        return position + 1
      end
    end
    position = position + 1
  end
end

local function quoted_string(text, at)
  local content, position = {}, at + 1
  while position <= #text do
    local char = text:sub(position, position)
    if char == '"' then
      return table.concat(content), position + 1
    elseif char == '\\' then
      position = position + 1
      char = text:sub(position, position)
    end
    content[#content + 1] = char
    position = position + 1
  end
end

-- Return the token at `at` and the position behind it; nil for white space and comments, an error for the rest.
local function token_at(text, at)
  local char = text:sub(at, at)
  if char == ' ' or char == '\t' then
    return nil, at + 1
  elseif char == '(' then
    return nil, skip_comment(text, at) or error('an open comment')
  elseif char == '"' then
    local content, behind = quoted_string(text, at)
    return { kind = 'quoted', text = content or error('an open quotation mark') }, behind
  elseif char == '[' then
    local literal = text:match('^%[[^%[%]\\%s]*%]', at) or error('a bracket')
    return { kind = 'literal', text = literal }, at + #literal
  elseif char:match(SPECIALS) then
    return { kind = char, text = char }, at + 1
  end
  local atom = text:match(ATOM, at) or error('a character that cannot be there')
  return { kind = 'atom', text = atom }, at + #atom
end

-- Return the words of a field: each a list of tokens without anything between them. "<", ">", ",", ":" and ";" stand
-- for themselves.
local function words_of(text)
  local words, word, position = {}, nil, 1
  while position <= #text do
    local token
    token, position = token_at(text, position)
    if not token then
      word = nil
    elseif token.kind:match('^[<>:;,]$') then
      words[#words + 1], word = token.kind, nil
    elseif word then
      word[#word + 1] = token
    else
      word = { token }
      words[#words + 1] = word
    end
  end
  return words
end

-- Whether the tokens from `first` to `last` are atoms with single dots between them; and their text.
local function dot_atom(word, first, last)
  local text = {}
  for i = first, last do
    if word[i].kind ~= ((i - first) % 2 == 0 and 'atom' or '.') then
      return nil
    end
    text[#text + 1] = word[i].text
  end
  return (last - first) % 2 == 0 and last >= first and table.concat(text) or nil
end

local function at_sign(word)
  for i, token in ipairs(word) do
    if token.kind == '@' then
      return i
    end
  end
end

-- Return the address that a word is: its parts in lower case, and as it is to be shown.
local function address_of(word)
  local at = type(word) == 'table' and at_sign(word) or error('no address where one has to be')
  local name = dot_atom(word, 1, at - 1)
  if not name and at == 2 and word[1].kind == 'quoted' then
    name = word[1].text
  end
  local domain = dot_atom(word, at + 1, #word)
  if not domain and #word == at + 1 and word[#word].kind == 'literal' then
    domain = word[#word].text
  end
  if not name or not domain then
    error('a word with @ that is not an address')
  end
  return { name = name:lower(), domain = domain:lower(), text = name .. '@' .. domain }
end

-- Take up addresses that stand where a name has to be: some programs show what is there.
local function take_name(words, found)
  for _, word in ipairs(words) do
    if at_sign(word) then
      found[#found + 1] = address_of(word)
    end
  end
end

-- Take up the address between angle brackets, the first of which is word `at`; return the place of the second.
local function take_angle_address(words, at, found)
  found[#found + 1] = address_of(words[at + 1])
  if words[at + 2] ~= '>' or type(words[at + 3]) == 'table' or words[at + 3] == '<' then
    error('an angle bracket')
  end
  return at + 2
end

-- Return the addresses of a field, or raise an error.
local function read(text)
  local found, words, i, group = {}, words_of(text), 1, false
  while i <= #words do
    local phrase = {}
    while type(words[i]) == 'table' do
      phrase[#phrase + 1] = words[i]
      i = i + 1
    end
    if words[i] == ':' then
      if group or #phrase == 0 then
        error('a colon that cannot be there')
      end
      take_name(phrase, found)
      group = true
    elseif words[i] == '<' then
      take_name(phrase, found)
      i = take_angle_address(words, i, found)
    elseif #phrase == 1 then
      found[#found + 1] = address_of(phrase[1])
      i = i - 1
    elseif #phrase > 1 then
      error('words without an address')
    elseif words[i] == ';' then
      if not group or type(words[i + 1]) == 'table' then
        error('a semicolon that cannot be there')
      end
      group = false
    elseif words[i] == '>' then
      error('an angle bracket')
    end
    i = i + 1
  end
  if group then
    error('an open group')
  end
  return found
end

-- Return the addresses of a field, or nil and what is wrong with it.
function addresses.read(text)
  local read_well, found = pcall(read, text)
  if read_well then
    return found
  end
  return nil, (tostring(found):gsub('^.-:%d+: ', ''))
end

-- Return the values of all header fields of this name, unfolded.
function addresses.fields(raw_header, name)
  local values = {}
  for line in raw_header:gsub('\r\n', '\n'):gsub('\n([ \t])', '%1'):gmatch('[^\n]+') do
    local field, value = line:match('^([^:]-)[ \t]*:(.*)$')
    if field and field:lower() == name then
      values[#values + 1] = value
    end
  end
  return values
end

-- A set of addresses and, with nothing before the @, whole domains.
function addresses.set(list)
  local set = {}
  for _, address in ipairs(list) do
    set[address:lower()] = true
  end
  return set
end

function addresses.holds(set, address)
  return set[address.name .. '@' .. address.domain] or set['@' .. address.domain] or false
end

return addresses
