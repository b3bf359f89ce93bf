-- Appends a batch and publishes it, or says why not. All or nothing: one writer's batch is never half there.
-- KEYS[1] stream   ARGV: channel, predecessor ('' for a claim's first batch), '~' or '=', events kept,
--                        seconds kept, bytes kept, the last event of the segment before ('' for none; for
--                        a claim's first event alone), then id, kind, payload of each event.
-- XADD and PUBLISH are in one script because in MULTI a refused XADD would still publish.

local HEAD, WIDTH = 7, 3
-- To measure a stream takes microseconds: once in so many events is often enough.
local MEASURED_EVERY = 32
local first, final = ARGV[HEAD + 1], ARGV[#ARGV - WIDTH + 1]
local expected = ARGV[2]

local function halves(id)
  local left, n = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(left), tonumber(n)
end

local function is_before(one, other)
  local left, n = halves(one)
  local other_left, other_n = halves(other)
  return left < other_left or (left == other_left and n < other_n)
end

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local tip = newest[1] and newest[1][1] or '0-0'

-- The reply to this very batch was lost, and its writer asks again.
if tip == final then return 'appended' end

if is_before(final, tip) then return 'fenced' end
if expected == '' then
  -- A tip inside the batch: it was there, and the store has lost its tail since.
  if not is_before(tip, first) then return 'lost' end
elseif tip ~= expected then
  return 'lost'
end

local after = ARGV[7]
for at = HEAD + 1, #ARGV, WIDTH do
  local id, kind, payload = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if at == HEAD + 1 and after ~= '' then
    redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[3], ARGV[4], id, 'k', kind, 'a', after, 'p', payload)
  else
    redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[3], ARGV[4], id, 'k', kind, 'p', payload)
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])

local _, n = halves(final)
local appended = (#ARGV - HEAD) / WIDTH
if n % MEASURED_EVERY < appended and redis.call('MEMORY', 'USAGE', KEYS[1]) > tonumber(ARGV[6]) then
  -- A quarter at a time, so that not every batch trims.
  redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[3], math.floor(redis.call('XLEN', KEYS[1]) * 3 / 4))
end
for at = HEAD + 1, #ARGV, WIDTH do
  redis.call('PUBLISH', ARGV[1],
    ARGV[at + 1] .. after .. 'id: ' .. ARGV[at] .. '\ndata: ' .. ARGV[at + 2] .. '\n\n')
  after = ''
end
return 'appended'
