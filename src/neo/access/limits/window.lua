-- Counts one request in a sliding window and answers how much is left: one call for each request.
-- KEYS[1] the window   ARGV: requests at most, seconds, a name for this request that no other has
-- A refused request is not counted: whoever keeps asking is let in again when their oldest request leaves the window.
-- The clock is the server's, so that all processes agree on it.

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
return { is_allowed and 1 or 0, math.max(0, most - taken), string.format('%.6f', tonumber(oldest[2]) + seconds) }
