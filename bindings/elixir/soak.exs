# Memory stays where it is over many requests and operations: `mix run soak.exs [ROUNDS]`. Fails when it grows.
rounds = System.argv() |> List.first("20") |> String.to_integer()
config = %{log: %{level: "off"}, http: %{health: %{enabled: false}}, services: %{cache: %{default: %{url: "memory:", max_entries: 100}}}}

app =
  Spikard.new("soak", config: config)
  |> Spikard.get("/:key", fn request ->
    Spikard.Cache.set!(Spikard.Cache.client(), request.path.key, String.duplicate("x", 1000))
    %{value: Spikard.Cache.get!(Spikard.Cache.client(), request.path.key)}
  end)

test = Spikard.Test.start(app)
resident = fn -> Regex.run(~r/VmRSS:\s+(\d+)/, File.read!("/proc/self/status")) |> List.last() |> String.to_integer() end

round = fn n ->
  for(i <- 1..4, do: Task.async(fn -> for(k <- 1..500, do: {200, _, _} = Spikard.Test.request(test, :get, "/k#{i * 1000 + k}")) && :ok end))
  |> Task.await_many(:infinity)

  :erlang.garbage_collect()
  Enum.each(Process.list(), &:erlang.garbage_collect/1)
  IO.puts("round #{n}: #{resident.()} KiB, #{length(Process.list())} processes, #{div(:erlang.memory(:total), 1024)} KiB of the runtime")
  {resident.(), length(Process.list())}
end

for n <- 1..3, do: round.(-n)
{before, processes} = round.(0)
{later, then} = for(n <- 1..rounds, do: round.(n)) |> List.last()
Spikard.Test.stop(test)
if later > before * 1.1 or then > processes + 5, do: raise("it grows: #{before} KiB to #{later} KiB, #{processes} processes to #{then}")
IO.puts("flat")
