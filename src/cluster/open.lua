-- Opens a room: names its counting if it has no name, or if lines of it were lost or may have
-- been.
--
-- KEYS: the stream of the room and its state, as in append.lua. ARGV: a name for a new counting,
-- how many seconds a room is kept, the counting that the server knows, the number of the newest
-- line that it knows of it, and what names this start of the engine (or nothing).
-- Gives the number of the newest line, the name of the counting, the number of the last line
-- before it, the topic, what operators have set, and the numbers of lines that were taken out.
local log, meta = KEYS[1], KEYS[2]
local state = redis.call('HMGET', meta, 's', 'e', 'b', 't', 'x', 'm', 'c')
local s, e, b = state[1] or '0', state[2], state[3] or '0'
local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
newest = newest and string.match(newest[1], '^%d+')
if newest and tonumber(newest) > tonumber(s) then
    -- The stream is of another state than what is known of it.
    redis.call('DEL', log)
    newest = nil
end
if not e then
    redis.call('DEL', log)
    s, e, b = '0', ARGV[1], '0'
elseif (e == ARGV[3] and tonumber(s) < tonumber(ARGV[4])) or (state[5] or '') ~= ARGV[5]
    or (not newest and s ~= '0' and s ~= b) then
    e, b = ARGV[1], s
end
if e ~= state[2] then
    redis.call('HSET', meta, 's', s, 'e', e, 'b', b, 'x', ARGV[5])
end
redis.call('EXPIRE', log, ARGV[2])
redis.call('EXPIRE', meta, ARGV[2])
return {s, e, b, state[4] or '', state[6] or '', state[7] or ''}
