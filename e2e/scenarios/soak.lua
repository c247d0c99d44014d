-- The mix of e2e/scenarios/soak.py: reading, changing, refused. Nothing that makes the store larger.
local order = '{"customer": "", "items": [{"sku": "abc", "quantity": 0, "price": -1}]}'
local json = {["Content-Type"] = "application/json"}
local n = 0
request = function()
  n = n + 1
  local k = n % 8
  if k == 0 then return wrk.format("PATCH", "/orders/1", json, '{"note": "round ' .. n .. '"}') end
  if k == 1 then return wrk.format("POST", "/orders", json, order) end
  if k == 2 then return wrk.format("GET", "/orders?limit=5&offset=0") end
  if k == 3 then return wrk.format("GET", "/orders/" .. (n % 1000 + 2)) end
  if k == 4 then return wrk.format("GET", "/orders?limit=x&offset=-1") end
  if k == 5 then return wrk.format("PUT", "/orders/1/attachment", {["Content-Type"] = "application/octet-stream"}, string.rep("x", 3000)) end
  return wrk.format("GET", "/orders/1")
end
