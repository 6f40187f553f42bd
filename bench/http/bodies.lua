-- What wrk sends: the bodies of a file, one a line, each as a whole request that is made before the clock starts. Threads begin at
-- different bodies. At the end one line of JSON says what came of it.
--
--   wrk ... -s bodies.lua URL -- BODIES PATH

local requests = {}
local count = 0
local at = 0
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  for body in io.lines(args[1]) do
    count = count + 1
    requests[count] = wrk.format("POST", args[2], { ["Content-Type"] = "application/json" }, body)
  end
  at = (number * 997) % count
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers":%d,"us":%d,"failed":%d,"bytes":%d,"p50":%d,"p90":%d,"p99":%d,"most":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, summary.bytes,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
