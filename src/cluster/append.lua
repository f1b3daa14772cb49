-- Gives lines of one server their places in a room, each once.
--
-- KEYS: the stream of the room, its state (s: the number of its newest line, u: how much came
-- after that which is no line, e: the name of this counting, t: the topic), and the count of the
-- newest line that this server has added.
-- ARGV: a name for the counting if there is none, how many lines are kept, the server's
-- incarnation; then for each line its count, whether it is late, time, kind, sender and text.
-- Gives the number of the newest line, and the name of the counting.
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
local state = redis.call('HMGET', KEYS[2], 's', 'u', 'e')
local s, u, e = tonumber(state[1] or '0'), tonumber(state[2] or '0'), state[3]
if not e then
    -- The state is gone, and so has to be what it belonged to.
    redis.call('DEL', KEYS[1])
    s, u, e = 0, 0, ARGV[1]
end
for i = 4, #ARGV, 6 do
    local count, kind = tonumber(ARGV[i]), ARGV[i + 3]
    if kind == 'topic' then
        redis.call('HSET', KEYS[2], 't', ARGV[i + 5])
    end
    if kind == 'topic' or count > last then
        if kind == 'topic' then
            u = u + 1
        else
            s, u, last = s + 1, 0, count
        end
        redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], string.format('%.0f-%.0f', s, u),
            'i', ARGV[3], 'n', ARGV[i], 'l', ARGV[i + 1], 't', ARGV[i + 2], 'k', kind,
            'f', ARGV[i + 4], 'x', ARGV[i + 5])
    end
end
redis.call('HSET', KEYS[2], 's', string.format('%.0f', s), 'u', string.format('%.0f', u), 'e', e)
redis.call('SET', KEYS[3], string.format('%.0f', last), 'EX', 86400)
return {string.format('%.0f', s), e}
