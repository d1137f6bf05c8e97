-- wrk: sends the signed events of a file, one after the other.
--   wrk -s events.lua URL -- FILE      a line each: id, time, signature, body

local requests = {}
local i = 0

function init(args)
    for line in io.lines(args[1]) do
        local id, timestamp, signature, body =
            line:match("^(%S+)\t(%S+)\t(%S+)\t(.*)$")

        requests[#requests + 1] = wrk.format("POST", nil, {
            ["Content-Type"] = "application/json",
            ["svix-id"] = id,
            ["svix-timestamp"] = timestamp,
            ["svix-signature"] = signature,
        }, body)
    end
end

function request()
    i = i % #requests + 1
    return requests[i]
end

function done(summary, latency)
    io.write(string.format("result %d %d %d %d\n", summary.requests,
             summary.duration, latency:percentile(99),
             summary.errors.connect + summary.errors.read
             + summary.errors.write + summary.errors.status
             + summary.errors.timeout))
end
