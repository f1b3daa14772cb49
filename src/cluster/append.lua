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
-- Gives the number of the newest line, the name of the counting, and why lines were not taken out,
-- or nothing. After an error all lines before the one that it belongs to have their places, and
-- those from it on may come again.
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

-- Takes lines out, and notes that for servers that know them. Gives an error if it can't.
local function clear(range)
    local CLEARED_BYTES_MAX, STEP = 2000, 500
    local first, last = string.match(range, '^(%d+)-(%d+)$')
    if not first then
        return
    end
    local ids
    repeat
        ids = {}
        local entries = redis.pcall('XRANGE', log, first .. '-0', last .. '-0', 'COUNT', STEP)
        for at, found in ipairs(entries) do
            ids[at] = found[1]
        end
        local done = #ids > 0 and redis.pcall('XDEL', log, unpack(ids)) or entries
        if type(done) == 'table' and done.err then
            return done
        end
    until #ids < STEP
    local cleared = (redis.call('HGET', meta, 'c') or '') .. ' ' .. range
    if #cleared > CLEARED_BYTES_MAX then
        cleared = string.match(cleared, ' .*$', #cleared - CLEARED_BYTES_MAX) or ''
    end
    redis.call('HSET', meta, 'c', cleared)
end

-- Whether an error stays however often it is tried: the user of this server may not do that.
local function is_refusal(err)
    return string.find(err, "can't run this command", 1, true)
        or string.find(err, 'no permissions', 1, true)
        or string.find(err, 'NOPERM', 1, true)
end

-- Adds a line with the next number. Gives an error if it can't.
local function add(i)
    local entry = {'XADD', log, 'MAXLEN', '~', kept, string.format('%.0f-0', s + 1), 'r', e,
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
            local failed = clear(value)
            if failed then
                return failed
            end
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
        entry[8] = e
        redis.call('HSET', meta, 'b', string.format('%.0f', s))
        redis.call(unpack(entry))
    end
    s = s + 1
end

local failed, refused = nil, ''
for i = 9, #ARGV, 8 do
    local count = tonumber(ARGV[i])
    if count > last then
        failed = add(i)
        if failed and string.sub(ARGV[i + 6], 1, 1) == 'c' and is_refusal(failed.err) then
            -- The line would say what isn't so.
            failed, refused = nil, failed.err
        end
        if failed then
            break
        end
        last = count
    end
end
redis.call('HSET', meta, 's', string.format('%.0f', s), 'e', e, 'x', instance)
redis.call('SET', own, string.format('%.0f', last), 'EX', 86400)
redis.call('EXPIRE', log, seconds)
redis.call('EXPIRE', meta, seconds)
if failed then
    return failed
end
return {string.format('%.0f', s), e, refused}
