-- One round of package keylease. KEYS: leases, owners. ARGV: owner, TTL in microseconds,
-- leaving, most, keys, renewed, returned: lists in JSON.
-- A lease is "epoch high until owner"; numbers are written whole, as %.14g would not.
local leases, owners = KEYS[1], KEYS[2]
local owner, ttl, leaving, most = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local keys, renewed, returned = cjson.decode(ARGV[5]), cjson.decode(ARGV[6]), cjson.decode(ARGV[7])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- No lease ends more than two hours from now, unless the clock was ahead.
local function expired(until_) return until_ <= now or until_ > now + 7200e6 end

local function whole(n) return string.format('%.0f', n) end

local function get(key)
  local text = redis.call('HGET', leases, key)
  if not text then return { epoch = 0, high = 0, until_ = 0, owner = '' } end
  local epoch, high, until_, who = string.match(text, '^(%d+) (%d+) (%d+) (.*)$')
  local l = { epoch = tonumber(epoch), high = tonumber(high), until_ = tonumber(until_), owner = who }
  if not who or l.epoch >= 2^53 or l.high >= 2^53 then -- begun anew, it could repeat nonces
    error('field "' .. key .. '" of the hash "' .. leases .. '" is not a lease: correct it, or delete it and lose its high')
  end
  return l
end

local function set(key, l)
  redis.call('HSET', leases, key, whole(l.epoch) .. ' ' .. whole(l.high) .. ' ' .. whole(l.until_) .. ' ' .. l.owner)
end

-- who lives
if leaving then redis.call('HDEL', owners, owner) else redis.call('HSET', owners, owner, whole(now + ttl)) end
local alive = 0
local all = redis.call('HGETALL', owners)
for i = 1, #all, 2 do
  if expired(tonumber(all[i + 1]) or 0) then redis.call('HDEL', owners, all[i]) else alive = alive + 1 end
end

for _, r in ipairs(renewed) do
  local l = get(r[1])
  if l.owner == owner and l.epoch == tonumber(r[2]) then
    l.high, l.until_ = math.max(l.high, tonumber(r[3])), now + ttl
    set(r[1], l)
  end
end

local back = {}
for _, r in ipairs(returned) do
  back[r[1]] = true
  local l = get(r[1])
  if l.owner == owner and l.epoch == tonumber(r[2]) then
    l.high, l.until_, l.owner = tonumber(r[3]), now, ''
    set(r[1], l)
  end
end

local held, free = 0, {}
for _, key in ipairs(keys) do
  local l = get(key)
  if l.owner == owner then
    held = held + 1
  elseif not back[key] and (l.owner == '' or expired(l.until_)) then
    free[#free + 1] = { key = key, lease = l }
  end
end

if not leaving then
  local share = math.ceil(#keys / math.max(alive, 1))
  if most > 0 then share = math.min(share, most) end
  table.sort(free, function(a, b)
    if a.lease.until_ ~= b.lease.until_ then return a.lease.until_ < b.lease.until_ end
    return a.key < b.key
  end)
  for i = 1, math.min(share - held, #free) do
    local l = free[i].lease
    l.owner, l.epoch, l.until_ = owner, l.epoch + 1, now + ttl
    set(free[i].key, l)
  end
end

local reply = { tostring(alive) }
for _, key in ipairs(keys) do
  local l = get(key)
  if l.owner == owner then
    reply[#reply + 1] = key
    reply[#reply + 1] = whole(l.epoch)
    reply[#reply + 1] = whole(l.high)
  end
end
return reply
