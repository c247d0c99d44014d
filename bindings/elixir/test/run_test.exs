defmodule Spikard.RunTest do
  use ExUnit.Case

  # A program of its own, as users have it: what it prints and how it ends.
  defp program(code, env \\ []) do
    ebin = :code.which(Spikard) |> Path.dirname()
    args = ["-pa", ebin, "-e", code]

    port =
      Port.open({:spawn_executable, System.find_executable("elixir")}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        {:line, 65_536},
        args: args,
        env: for({k, v} <- [{"SPIKARD_NIF", nif()} | env], do: {to_charlist(k), to_charlist(v)})
      ])

    {port, Port.info(port, :os_pid) |> elem(1)}
  end

  defp nif, do: Path.join(to_string(:code.priv_dir(:spikard)), "spikard_nif")

  defp line(port, pattern) do
    receive do
      {^port, {:data, {:eol, line}}} -> if line =~ pattern, do: line, else: line(port, pattern)
      {^port, {:exit_status, code}} -> flunk("it ended with #{code}")
    after
      20_000 -> flunk("nothing said #{inspect(pattern)}")
    end
  end

  defp ended(port) do
    receive do
      {^port, {:exit_status, code}} -> code
      {^port, {:data, _}} -> ended(port)
    after
      20_000 -> flunk("it does not end")
    end
  end

  @app ~s|Spikard.new("program") \|> Spikard.get("/", fn _ -> %{ok: true} end) \|> Spikard.on_stop(fn -> IO.puts("stopped") end) \|> Spikard.run(port: 0)|

  for signal <- ["TERM", "INT"] do
    test "SIG#{signal} drains, and the program ends with 0" do
      {port, pid} = program(@app)
      line(port, ~r/"ready"/)
      # The shell script of Elixir becomes the runtime: it has its process number.
      System.cmd("kill", ["-#{unquote(signal)}", to_string(pid)])
      line(port, ~r/^stopped$/)
      assert ended(port) == 0
    end
  end

  test "the manifest is printed when it is asked for" do
    {port, _} = program(@app, [{"SPIKARD_PRINT_MANIFEST", "1"}])
    manifest = port |> line(~r/^\{/) |> Spikard.JSON.decode!()
    assert %{"name" => "program", "http" => %{"routes" => [%{"path" => "/"}], "listeners" => [%{"port" => 0}]}} = manifest
    assert ended(port) == 0
  end

  test "the environment is laid over the program's configuration, and what is wrong ends it with 1" do
    {port, _} = program(@app, [{"SPIKARD_LOG__LEVEL", "nonsense"}])
    assert line(port, ~r/^spikard: /) =~ "log.level"
    assert ended(port) == 1
  end
end
