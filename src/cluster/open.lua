-- Opens a room: names its counting if it has no name.
--
-- KEYS: the stream of the room and its state. ARGV: a name for the counting, and the name of one
-- that is over (or nothing): the engine has forgotten lines that were shown, so that numbers
-- would be used twice.
-- Gives the number of the newest line, how much came after it, the name of the counting, and the
-- topic.
local state = redis.call('HMGET', KEYS[2], 's', 'u', 'e', 't')
if not state[3] then
    redis.call('DEL', KEYS[1])
end
if not state[3] or state[3] == ARGV[2] then
    redis.call('HSET', KEYS[2], 'e', ARGV[1])
    state[3] = ARGV[1]
end
return {state[1] or '0', state[2] or '0', state[3], state[4] or ''}
