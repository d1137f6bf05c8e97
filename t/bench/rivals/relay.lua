-- relay.lua: Jam's events to Fin with lua-nginx-module, written as well as one
-- can with what Debian has: resty.core, cjson, and libcrypto by FFI, its HMAC
-- with the key set once. The request itself becomes the delivery: without a
-- subrequest, without a second buffer. See lua.conf for who calls what.

local cjson = require "cjson.safe"
local ffi = require "ffi"

ffi.cdef [[
    typedef struct hmac_ctx_st HMAC_CTX;
    typedef struct evp_md_st EVP_MD;

    HMAC_CTX *HMAC_CTX_new(void);
    int HMAC_Init_ex(HMAC_CTX *ctx, const void *key, int len,
                     const EVP_MD *md, void *engine);
    int HMAC_Update(HMAC_CTX *ctx, const char *data, size_t len);
    int HMAC_Final(HMAC_CTX *ctx, unsigned char *md, unsigned int *len);
    const EVP_MD *EVP_sha256(void);
    int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]]

local C = ffi.C
local byte, format = string.byte, string.format
local find = ngx.re.find
local decode, quote = cjson.decode, cjson.encode

local TOLERANCE = 300
local RECORDED = "intercom.recorder.recorded"
local OPTED_OUT = "intercom.recorder.opted_out"
local NAMESPACE_URL = "\x6b\xa7\xb8\x11\x9d\xad\x11\xd1"
                      .. "\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"

local TITLES = {
    [400] = "Bad Request", [401] = "Unauthorized",
    [405] = "Method Not Allowed", [415] = "Unsupported Media Type",
    [422] = "Unprocessable Content", [502] = "Bad Gateway",
    [503] = "Service Unavailable", [504] = "Gateway Timeout",
}

local verifying, signing
local mac = ffi.new("unsigned char[32]")

local _M = {}


local function read_key(file)
    local text = assert(io.open(file)):read("*a")
    local key = assert(ngx.decode_base64(assert(text:match("whsec_(%S+)"))))
    local ctx = C.HMAC_CTX_new()

    assert(C.HMAC_Init_ex(ctx, key, #key, C.EVP_sha256(), nil) == 1)

    return ctx
end


function _M.init(verify, sign)
    verifying = read_key(verify)
    signing = read_key(sign)
end


-- into "mac"
local function hmac(ctx, head, body)
    if C.HMAC_Init_ex(ctx, nil, 0, nil, nil) ~= 1
       or C.HMAC_Update(ctx, head, #head) ~= 1
       or C.HMAC_Update(ctx, body, #body) ~= 1
       or C.HMAC_Final(ctx, mac, nil) ~= 1
    then
        error("HMAC failed")
    end
end


local function verified(id, timestamp, list, body)
    local computed = false
    local from = 1

    while from <= #list do
        local to = list:find(" ", from, true) or #list + 1

        if to - from == 47 and list:sub(from, from + 2) == "v1," then
            local given = ngx.decode_base64(list:sub(from + 3, to - 1))

            if given and #given == 32 then
                if not computed then
                    hmac(verifying, id .. "." .. timestamp .. ".", body)
                    computed = true
                end

                if C.CRYPTO_memcmp(mac, given, 32) == 0 then
                    return true
                end
            end
        end

        from = to + 1
    end

    return false
end


local function uuid5(name)
    local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p =
        byte(ngx.sha1_bin(NAMESPACE_URL .. name), 1, 16)

    return format("%04x%04x-%04x-%04x-%04x-%04x%04x%04x", a * 256 + b,
                  c * 256 + d, e * 256 + f, g % 16 * 256 + h + 0x5000,
                  (i % 64 + 0x80) * 256 + j, k * 256 + l, m * 256 + n,
                  o * 256 + p)
end


local function problem(status, code)
    return format('{"title":"%s","status":%d,"code":"%s"}', TITLES[status],
                  status, code)
end


local function refuse(status, code)
    local answer = problem(status, code)

    ngx.status = status
    ngx.header.content_type = "application/problem+json"
    ngx.header.content_length = #answer

    if status == 401 then
        ngx.header["WWW-Authenticate"] = "Standard-Webhooks"

    elseif status == 405 then
        ngx.header["Allow"] = "POST"
    end

    ngx.print(answer)
    return ngx.exit(status)
end


local function text(value)
    return type(value) == "string" and value ~= ""
end


-- a member that may be absent or null, or else is good
local function optional(value, good)
    if value == nil or value == cjson.null then
        return true, nil
    end

    return text(value) and good(value), value
end


local function plain(value)
    return #value <= 256 and not find(value, [[[\x00-\x1f\x7f]\]], "jo")
end


local function url(value)
    return #value <= 2048
           and find(value, [[^https?://[^/?#\s\x00-\x1f\x7f]\S*\z]], "ijo")
end


local function shape(event)
    if event.conversationId ~= nil then
        if event.jamId ~= nil or event.jamUrl ~= nil then
            return RECORDED
        end

        for name in pairs(event) do
            if name:sub(1, 3):lower() == "jam" then
                return "unknown"
            end
        end

        return OPTED_OUT
    end

    return "unknown"
end


-- access_by_lua: verifies, maps, signs; the request goes on as the delivery
function _M.take()
    local var = ngx.var

    if var.request_method ~= "POST" then
        return refuse(405, "method_not_allowed")
    end

    if not find(var.content_type or "", [[^application/json\s*(?:;|\z)]],
                "ijo")
    then
        return refuse(415, "media_type_unsupported")
    end

    local id, timestamp, list = var.http_svix_id, var.http_svix_timestamp,
                                var.http_svix_signature

    if not (id and timestamp and list) then
        id, timestamp, list = var.http_webhook_id, var.http_webhook_timestamp,
                              var.http_webhook_signature
    end

    if not (id and timestamp and list)
       or not find(id, [[^[A-Za-z0-9_-]{1,256}\z]], "jo")
    then
        return refuse(401, "signature_missing")
    end

    if not find(timestamp, [[^[1-9][0-9]{0,14}\z]], "jo")
       or math.abs(ngx.time() - tonumber(timestamp)) > TOLERANCE
    then
        return refuse(401, "timestamp_invalid")
    end

    ngx.req.read_body()

    -- client_body_buffer_size has room for all that client_max_body_size takes
    local body = ngx.req.get_body_data() or ""

    if not verified(id, timestamp, list, body) then
        return refuse(401, "signature_invalid")
    end

    local event = decode(body)

    -- cjson makes a table of an array too
    if type(event) ~= "table" or not find(body, [[^\s*\{]], "jo") then
        return refuse(400, "body_invalid")
    end

    local data, kind = event, nil

    if type(event.data) == "table" then
        data, kind = event.data, event.type
    end

    if kind == nil or kind == cjson.null then
        kind = shape(data)

    elseif not text(kind) then
        return refuse(422, "event_invalid")
    end

    if kind ~= RECORDED and kind ~= OPTED_OUT then
        local answer = format('{"result":"ignored","id":"%s","type":%s}', id,
                              quote(kind))

        ngx.header.content_type = "application/json"
        ngx.header.content_length = #answer
        ngx.print(answer)
        return ngx.exit(ngx.HTTP_OK)
    end

    local conversation = data.conversationId

    if type(conversation) == "number" and conversation >= 0
       and conversation < 1e15 and conversation % 1 == 0
    then
        conversation = format("%.0f", conversation)
    end

    if not text(conversation)
       or not find(conversation, [[^[A-Za-z0-9_-]{1,128}\z]], "jo")
    then
        return refuse(422, "event_invalid")
    end

    local jam_good, jam = optional(data.jamId, plain)
    local url_good, recording = optional(
        data.recording_url ~= nil and data.recording_url or data.jamUrl, url)

    if not jam_good or not url_good then
        return refuse(422, "event_invalid")
    end

    local out = '{"event":"' .. kind .. '","payload":{"conversationId":"'
                .. conversation .. '"'
                .. (jam and ',"jamId":' .. quote(jam) or "")
                .. (recording and ',"recording_url":' .. quote(recording) or "")
                .. "}}"

    local now = tostring(ngx.time())

    hmac(signing, id .. "." .. now .. ".", out)

    var.jam_id = id
    var.jam_timestamp = now
    var.jam_signature = "v1," .. ngx.encode_base64(ffi.string(mac, 32))
    var.jam_key = uuid5("jamhook:" .. id .. "/fin")

    ngx.req.set_uri("/fin/" .. conversation)
    ngx.req.set_body_data(out)

    -- for the filters
    ngx.ctx.id, ngx.ctx.type = id, kind
end


-- header_filter_by_lua: what the sender is told of what the target said
function _M.judge()
    local ctx = ngx.ctx

    if not ctx.id then
        return
    end

    local status = ngx.status

    if status >= 200 and status < 300 then
        ctx.answer = '{"result":"delivered","id":"' .. ctx.id .. '","type":"'
                     .. ctx.type .. '"}'
        ngx.status = 200
        ngx.header.content_type = "application/json"

    else
        status = (status == 429 or status == 503) and 503
                 or status == 504 and 504 or 502
        ctx.answer = problem(status, status == 503 and "unavailable"
                                     or "delivery_failed")
        ngx.status = status
        ngx.header.content_type = "application/problem+json"
    end

    ngx.header.content_length = #ctx.answer
end


-- body_filter_by_lua: in place of the target's body
function _M.answer()
    local ctx = ngx.ctx

    if not ctx.id then
        return
    end

    ngx.arg[1] = ctx.answer or ""
    ngx.arg[2] = true
    ctx.answer = nil
end


return _M
