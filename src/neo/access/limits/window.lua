-- Counts one request in sliding windows and answers how much is left: one call for each request.
-- KEYS the windows that it counts in   ARGV: seconds, a name for this request that no other has, and for each window
-- how many requests it may have then
-- A refused request is counted nowhere: whoever keeps asking is let in again when an oldest request leaves its window.
-- The clock is the server's, so that all processes agree on it.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local seconds, name = tonumber(ARGV[1]), ARGV[2]

local left, fullest = nil, KEYS[1]
for number, window in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', window, '-inf', now - seconds)
  local room = tonumber(ARGV[number + 2]) - redis.call('ZCARD', window)
  if left == nil or room < left then
    left, fullest = room, window
  end
end

local is_allowed = left > 0
if is_allowed then
  left = left - 1
  for _, window in ipairs(KEYS) do
    redis.call('ZADD', window, string.format('%.6f', now), name)
    redis.call('EXPIRE', window, seconds + 1)
  end
end

local oldest = redis.call('ZRANGE', fullest, 0, 0, 'WITHSCORES')
return { is_allowed and 1 or 0, math.max(0, left), string.format('%.6f', tonumber(oldest[2] or now) + seconds) }
