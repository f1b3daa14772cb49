-- Gives lines of one server their places in a room, each once.
--
-- KEYS: the stream of the room; its state (s: the number of its newest line, e: the name of this
-- counting, b: the number of the last line before it, x: the start of the engine that it is
-- counted in, t: the topic, m: what operators have set, c: the numbers of lines that were taken out,
-- like "5-7 20-30"); the count of the newest line that this server has added.
-- ARGV: a name for a new counting, how many lines are kept, how many seconds a room is, the
-- server's incarnation, the counting that the server knows and the number of the newest line
-- that it knows of it, how far its clock is behind the engine's, in seconds, and what names this
-- start of the engine (or nothing); then for each line its count, author, time, kind, sender,
-- text, what it changes or nothing ("t" with the topic behind it, "m" with what operators have
-- set, or "c" with the numbers of the first and the last line that are taken out), and what a
-- notice tells programs (v) or nothing.
-- Gives the number of the newest line, and the name of the counting.
local log, meta, own = KEYS[1], KEYS[2], KEYS[3]
local fresh, kept, seconds, server = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
-- A line that is older when it gets its place is late: others have talked on meanwhile.
local LATE_SECONDS = 5
local late_before = tonumber(redis.call('TIME')[1]) - tonumber(ARGV[7]) - LATE_SECONDS
local last = tonumber(redis.call('GET', own) or '0')
local instance = ARGV[8]
local state = redis.call('HMGET', meta, 's', 'e', 'x')
local s, e = tonumber(state[1] or '0'), state[2]
if not e then
    -- The state is gone, and so has to be what it belonged to.
    redis.call('DEL', log)
    s, e = 0, fresh
    redis.call('HSET', meta, 'b', '0')
elseif (e == ARGV[5] and s < tonumber(ARGV[6])) or (state[3] or '') ~= instance then
    -- An older state has come back, and numbers would be used twice; or the engine has been
    -- started again, and it may have.
    e = fresh
    redis.call('HSET', meta, 'b', string.format('%.0f', s))
end
-- Takes lines out, and notes that for servers that know them.
local function clear(range)
    local CLEARED_BYTES_MAX, STEP = 2000, 500
    local first, last = string.match(range, '^(%d+)-(%d+)$')
    if not first then
        return
    end
    local ids
    repeat
        ids = {}
        for at, found in ipairs(redis.call('XRANGE', log, first .. '-0', last .. '-0',
                'COUNT', STEP)) do
            ids[at] = found[1]
        end
        if #ids > 0 then
            redis.call('XDEL', log, unpack(ids))
        end
    until #ids < STEP
    local cleared = (redis.call('HGET', meta, 'c') or '') .. ' ' .. range
    if #cleared > CLEARED_BYTES_MAX then
        cleared = string.match(cleared, ' .*$', #cleared - CLEARED_BYTES_MAX) or ''
    end
    redis.call('HSET', meta, 'c', cleared)
end

for i = 9, #ARGV, 8 do
    local count = tonumber(ARGV[i])
    if count > last then
        s, last = s + 1, count
        local entry = {'XADD', log, 'MAXLEN', '~', kept, string.format('%.0f-0', s), 'r', e,
            'i', server, 'n', ARGV[i], 'l', tonumber(ARGV[i + 2]) < late_before and '1' or '0',
            'a', ARGV[i + 1], 't', ARGV[i + 2], 'k', ARGV[i + 3], 'f', ARGV[i + 4],
            'x', ARGV[i + 5]}
        local what, value = string.sub(ARGV[i + 6], 1, 1), string.sub(ARGV[i + 6], 2)
        if what == 't' then
            redis.call('HSET', meta, 't', value)
            entry[#entry + 1] = 'o'
            entry[#entry + 1] = value
        elseif what ~= '' then
            if what == 'm' then
                redis.call('HSET', meta, 'm', value)
            elseif what == 'c' then
                clear(value)
            end
            entry[#entry + 1] = 'y'
            entry[#entry + 1] = ARGV[i + 6]
        end
        if ARGV[i + 7] ~= '' then
            entry[#entry + 1] = 'v'
            entry[#entry + 1] = ARGV[i + 7]
        end
        local added = redis.pcall(unpack(entry))
        if type(added) == 'table' and added.err then
            if not string.find(added.err, 'equal or smaller', 1, true) then
                return added
            end
            -- The stream is of another state than what is known of it.
            redis.call('DEL', log)
            e = fresh
            entry[6] = string.format('%.0f-0', s)
            entry[8] = e
            redis.call('HSET', meta, 'b', string.format('%.0f', s - 1))
            redis.call(unpack(entry))
        end
    end
end
redis.call('HSET', meta, 's', string.format('%.0f', s), 'e', e, 'x', instance)
redis.call('SET', own, string.format('%.0f', last), 'EX', 86400)
redis.call('EXPIRE', log, seconds)
redis.call('EXPIRE', meta, seconds)
return {string.format('%.0f', s), e}
