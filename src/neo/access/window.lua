-- Counts requests in a sliding window, and tells what is left: one call, for requests wait for it.
-- KEYS[1] window   ARGV: most requests, seconds, '1' when they were allowed already, a name for each request.
-- The clock is the server's own.

local HEAD = 3
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local most, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - seconds)
local taken = redis.call('ZCARD', KEYS[1])
local is_allowed = ARGV[3] == '1' or taken + #ARGV - HEAD <= most
if is_allowed then
  for at = HEAD + 1, #ARGV do
    redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[at])
  end
  redis.call('EXPIRE', KEYS[1], seconds + 1)
  taken = taken + #ARGV - HEAD
end

local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { is_allowed and 1 or 0, math.max(0, most - taken), string.format('%.6f', tonumber(oldest[2]) + seconds) }
