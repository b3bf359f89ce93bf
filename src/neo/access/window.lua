-- Counts one request in a sliding window, and tells what is left: one call, for every request waits for it.
-- KEYS[1] window   ARGV: most requests, seconds, a name for this request. The clock is the server's own.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local most, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - seconds)
local taken = redis.call('ZCARD', KEYS[1])
local is_allowed = taken < most
if is_allowed then
  redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[3])
  redis.call('EXPIRE', KEYS[1], seconds + 1)
  taken = taken + 1
end

local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { is_allowed and 1 or 0, most - taken, string.format('%.6f', tonumber(oldest[2]) + seconds) }
