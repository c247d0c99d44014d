defmodule Spikard.TelemetryTest do
  use ExUnit.Case
  require Logger
  alias Spikard.{Telemetry, Test}

  test "spans around spans, attributes, exceptions; records of Logger" do
    config = %{log: %{level: "off"}, http: %{health: %{enabled: false}}, telemetry: %{exporter: "memory"}}

    handler = fn _ ->
      Spikard.span("outer", [attributes: %{"shop.items" => 3}], fn span ->
        Telemetry.set_attribute(span, "more", true)
        Logger.error("from Logger")

        try do
          Spikard.span("inner", fn -> raise "no" end)
        rescue
          RuntimeError -> %{traceparent: Spikard.traceparent()}
        end
      end)
    end

    test = Test.start(Spikard.new("t", config: config) |> Spikard.get("/", handler))
    on_exit(fn -> if Process.alive?(test.server), do: Test.stop(test) end)
    ExUnit.CaptureLog.capture_log(fn -> assert {200, _, _} = Test.request(test, :get, "/") end)
    spans = Test.run(test, fn -> Telemetry.take_spans!(Telemetry.client()) end) |> Map.new(&{&1["name"], &1})
    assert spans["inner"]["parent_span_id"] == spans["outer"]["span_id"]
    assert spans["outer"]["attributes"]["more"] == true
    assert [%{"name" => "exception"}] = spans["inner"]["events"]
    logs = Test.run(test, fn -> Telemetry.take_logs!(Telemetry.client()) end)
    assert Enum.any?(logs, &(inspect(&1) =~ "from Logger"))
  end
end
