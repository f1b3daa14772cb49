-- Who is on which server, and what all servers have to know.
--
-- KEYS: {rc}:state (p: how much news there was, g: the highest number of a guest, e: the name of
-- this state, t: when a server was last heard from). All other keys begin with {rc}: too:
--   servers     incarnations and names of servers
--   lease:I     goes by itself when the server I is gone
--   people:I    clients of the server I, as JSON
--   names       what a name looks like, and the server and the client that have it
--   bans        networks and their bans, as JSON
--   mutes       networks or names, and their mutes, as JSON
--   people      a stream: what has changed
--   in:I        a stream: what is for the server I
-- ARGV: what to do, the incarnation of this server, a name for a new state; then what is said at
-- each of the functions below.
local what, own, fresh = ARGV[1], ARGV[2], ARGV[3]
local LEASE_SECONDS, NEWS_MAX, LETTERS_MAX = 15, 10000, 10000
-- Each server is heard from twice in this time.
local SILENCE_SECONDS_MAX = 10
-- When there are more bans than this, or mutes, those that are over go.
local KEPT_MAX = 2000
local state, servers, names = '{rc}:state', '{rc}:servers', '{rc}:names'
local bans, mutes, news = '{rc}:bans', '{rc}:mutes', '{rc}:people'

local epoch = redis.call('HGET', state, 'e')
local newest = redis.call('XREVRANGE', news, '+', '-', 'COUNT', 1)[1]
newest = newest and tonumber(string.match(newest[1], '^%d+')) or 0
if not epoch or newest > tonumber(redis.call('HGET', state, 'p') or '0') then
    -- The state is gone or an older one, and so has to be what it belonged to.
    redis.call('DEL', news)
    redis.call('HSET', state, 'e', fresh)
    epoch = fresh
end

local function tell(kind, server, data)
    local number = redis.call('HINCRBY', state, 'p', 1)
    redis.call('XADD', news, 'MAXLEN', '~', NEWS_MAX, string.format('%.0f-0', number),
        'e', epoch, 'k', kind, 'i', server, 'd', data)
    return number
end

local now = tonumber(redis.call('TIME')[1])

local function extend_lease(server, name)
    redis.call('SET', '{rc}:lease:' .. server, name, 'EX', LEASE_SECONDS)
    redis.call('HSET', state, 't', now)
end

local function is_alive(server)
    return redis.call('EXISTS', '{rc}:lease:' .. server) == 1
end

-- If no server was heard from, the engine was away or its clock was set, and leases say nothing:
-- each server gets a new one. A server that has just started knows of no such thing; those whose
-- leases are over are gone for it.
local last = tonumber(redis.call('HGET', state, 't') or '0')
local is_known = redis.call('HEXISTS', servers, own)
if is_known == 1 and (now < last or now - last > SILENCE_SECONDS_MAX) then
    for _, server in ipairs(redis.call('HKEYS', servers)) do
        extend_lease(server, '')
    end
end

-- The names that a client had are free.
local function free(server, client)
    local record = redis.call('HGET', '{rc}:people:' .. server, client)
    if record then
        for _, look in ipairs(cjson.decode(record).looks) do
            if redis.call('HGET', names, look) == server .. ' ' .. client then
                redis.call('HDEL', names, look)
            end
        end
    end
end

local function remove(server, kind)
    for _, client in ipairs(redis.call('HKEYS', '{rc}:people:' .. server)) do
        free(server, client)
    end
    redis.call('DEL', '{rc}:people:' .. server, '{rc}:in:' .. server, '{rc}:lease:' .. server)
    redis.call('HDEL', servers, server)
    tell(kind, server, '')
end

-- A client that is called so already has its name from one of its own server that is called
-- something else by now, and says so next.
local function put(client, record, is_called_so)
    if is_known == 0 then
        return {-1, ''}
    end
    local looks, me = cjson.decode(record).looks, own .. ' ' .. client
    for _, look in ipairs(looks) do
        local holder = redis.call('HGET', names, look)
        if holder and holder ~= me then
            local server, other = string.match(holder, '^(%S+) (%S+)$')
            local taken = redis.call('HGET', '{rc}:people:' .. server, other)
            local is_handed_on = server == own and is_called_so == '1'
            if taken and is_alive(server) and not is_handed_on then
                return {0, cjson.decode(taken).name}
            end
        end
    end
    free(own, client)
    for _, look in ipairs(looks) do
        redis.call('HSET', names, look, me)
    end
    redis.call('HSET', '{rc}:people:' .. own, client, record)
    return {tell('here', own, record), ''}
end

-- One that is over or taken back stays until there are many, for a server that is away meanwhile.
local function keep(kind, kept, target, record)
    redis.call('HSET', kept, target, record)
    if #redis.call('HKEYS', kept) > KEPT_MAX then
        local all = redis.call('HGETALL', kept)
        for i = 1, #all, 2 do
            if cjson.decode(all[i + 1])['until'] <= now then
                redis.call('HDEL', kept, all[i])
            end
        end
    end
    tell(kind, own, record)
end

local doing = {}

-- This server is alive: its name, and the highest number that it has for guests. Servers that
-- aren't are removed. Gives 0 if this one wasn't known, and the time in seconds.
function doing.beat(name, guests)
    extend_lease(own, name)
    if is_known == 0 then
        redis.call('HSET', servers, own, name)
        tell('came', own, name)
    end
    if tonumber(redis.call('HGET', state, 'g') or '0') < tonumber(guests) then
        redis.call('HSET', state, 'g', guests)
    end
    for _, server in ipairs(redis.call('HKEYS', servers)) do
        if not is_alive(server) then
            remove(server, 'gone')
        end
    end
    return {is_known, now}
end

-- This server ends.
function doing.leave()
    remove(own, 'left')
    return 1
end

-- Clients, each with the same as JSON, and 1 if it is called so already, or 0 if it wants to. Gives
-- for each how much news there was with this; 0 and the name of the one who has its name already;
-- or -1 if this server isn't known.
function doing.put(...)
    local answers = {}
    for i = 1, select('#', ...), 3 do
        answers[#answers + 1] = put(select(i, ...))
    end
    return answers
end

-- A client has left.
function doing.drop(client)
    free(own, client)
    if redis.call('HDEL', '{rc}:people:' .. own, client) == 1 then
        tell('away', own, client)
    end
    return 1
end

-- So many numbers for guests; gives the last one.
function doing.guests(count)
    return redis.call('HINCRBY', state, 'g', count)
end

-- A network or a name, and its ban or mute as JSON. Servers that start later have it too.
function doing.ban(network, record)
    keep('ban', bans, network, record)
    return 1
end

function doing.mute(target, record)
    keep('mute', mutes, target, record)
    return 1
end

-- Something that all servers are told once, and what kind of thing it is.
function doing.tell(kind, data)
    tell(kind, own, data)
    return 1
end

-- A server, what kind of thing it is sent, and the thing as JSON. Gives 0 if it isn't there.
function doing.send(server, kind, data)
    if not is_alive(server) then
        return 0
    end
    redis.call('XADD', '{rc}:in:' .. server, 'MAXLEN', '~', LETTERS_MAX, '*',
        'k', kind, 'i', own, 'd', data)
    redis.call('EXPIRE', '{rc}:in:' .. server, 3600)
    return 1
end

-- Gives how much news there was, the name of the state, and all that is known.
function doing.all()
    local everybody = {}
    local all = redis.call('HGETALL', servers)
    for i = 1, #all, 2 do
        everybody[#everybody + 1] = all[i]
        everybody[#everybody + 1] = redis.call('HVALS', '{rc}:people:' .. all[i])
    end
    return {redis.call('HGET', state, 'p') or '0', epoch, all, everybody,
        redis.call('HVALS', bans), redis.call('HVALS', mutes)}
end

return doing[what](unpack(ARGV, 4))
