defmodule E2E.Servers do
  @moduledoc "Backends on real servers, where tools/services says that they are there; each case gets an empty place of its own."

  def setting(name), do: System.get_env("SPIKARD_TEST_#{name}", "")
  defp there?(name), do: setting(name) != ""
  defp unique, do: Base.encode16(:crypto.strong_rand_bytes(8), case: :lower)

  def backends(kind) do
    there =
      case kind do
        "cache" -> [redis: "REDIS_URL", tiered: "REDIS_URL"]
        "storage" -> [s3: "S3_URL", gcs: "GCS_URL", azblob: "AZBLOB_URL"]
        "db" -> [postgres: "POSTGRES_URL", mysql: "MYSQL_URL"]
        "messaging" -> [amqp: "AMQP_URL", kafka: "KAFKA_URL", mqtt: "MQTT_URL", nats: "NATS_URL", redis: "REDIS_URL"]
        "tasks" -> [postgres: "POSTGRES_URL", mysql: "MYSQL_URL", redis: "REDIS_URL"]
        _ -> []
      end

    for {name, setting} <- there, there?(setting), do: Atom.to_string(name)
  end

  @doc "A server owns the waits: no virtual clock. Of MQTT the delivery store has them."
  def real_time?(kind, backend), do: kind == "messaging" and backend in ~w(amqp kafka nats redis)

  @doc "A client of this kind on this backend: `{services, create, drop}`, or nil. Both run in the application, before the first op and after the last."
  def place(kind, backend, folder), do: if(backend in backends(kind), do: at(kind, backend, folder))

  defp only(kind, client), do: {%{kind => %{"default" => client}}, &nothing/0, &nothing/0}
  defp nothing, do: :ok

  defp at("cache", backend, _) do
    url = "#{setting("REDIS_URL")}?prefix=e2e:#{unique()}"
    only("cache", %{"url" => if(backend == "tiered", do: "tiered+" <> url, else: url)})
  end

  defp at("storage", "s3", _) do
    options = %{"endpoint" => setting("S3_URL"), "addressing" => "path", "access_key" => setting("S3_ACCESS_KEY"), "secret_key" => setting("S3_SECRET_KEY")}
    only("storage", %{"url" => "s3://#{setting("S3_BUCKET")}/e2e-#{unique()}", "s3" => options})
  end

  defp at("storage", "gcs", _) do
    options = %{"endpoint" => setting("GCS_URL"), "anonymous" => true}
    only("storage", %{"url" => "gcs://#{setting("GCS_BUCKET")}/e2e-#{unique()}", "gcs" => options, "presign" => %{"secret" => "of the tokens"}})
  end

  defp at("storage", "azblob", _) do
    options = %{"endpoint" => setting("AZBLOB_URL"), "account" => setting("AZBLOB_ACCOUNT"), "account_key" => setting("AZBLOB_KEY")}
    only("storage", %{"url" => "azblob://#{setting("AZBLOB_CONTAINER")}/e2e-#{unique()}", "azblob" => options})
  end

  # A schema of the case's own.
  defp at(kind, "postgres", _) do
    server = setting("POSTGRES_URL")
    name = "spikard_e2e_#{unique()}"
    url = server <> if(String.contains?(server, "?"), do: "&", else: "?") <> "options=-csearch_path%3D#{name}"
    services = %{kind => %{"default" => %{"url" => url}}}
    services = if kind == "db", do: services, else: Map.put(services, "db", %{"default" => %{"url" => server}})
    run = fn sql -> Spikard.Database.execute(Spikard.Database.client(), sql) end
    # A case may have closed the database: then it stays.
    {services, fn -> run.("CREATE SCHEMA #{name}") end, fn -> run.("DROP SCHEMA #{name} CASCADE") end}
  end

  # A database of the case's own: there before the application starts, for it connects to it.
  defp at(kind, "mysql", _) do
    uri = URI.parse(setting("MYSQL_URL"))
    name = "spikard_e2e_#{unique()}"
    [user | password] = String.split(uri.userinfo || "", ":", parts: 2) |> Enum.map(&URI.decode/1)

    run = fn sql ->
      args = ["--no-defaults", "--host=#{uri.host}", "--port=#{uri.port}", "--user=#{user}", "--execute=#{sql}"]
      {_, 0} = System.cmd("mariadb", args, env: [{"MYSQL_PWD", Enum.join(password)}])
    end

    run.("CREATE DATABASE #{name}")
    {%{kind => %{"default" => %{"url" => URI.to_string(%{uri | path: "/#{name}"})}}}, &nothing/0, fn -> run.("DROP DATABASE #{name}") end}
  end

  defp at("tasks", "redis", _), do: only("tasks", %{"url" => "#{setting("REDIS_URL")}?prefix=e2e:#{unique()}"})

  defp at("messaging", backend, folder) do
    name = "fixture_elixir_#{unique()}"
    url = setting("#{String.upcase(backend)}_URL")

    case backend do
      "amqp" -> %{"url" => "#{url}?name=#{name}"}
      "nats" -> %{"url" => "#{url}?storage=memory&stream=#{name}"}
      "kafka" -> %{"url" => "#{url}?prefix=#{name}."}
      "redis" -> %{"url" => "#{url}?prefix=#{name}"}
      "mqtt" -> %{"url" => "#{url}?session_expiry_s=60&prefix=#{name}/", "store" => "sqlite:#{folder}/deliveries.db"}
    end
    |> then(&only("messaging", &1))
  end
end
