defmodule Spikard.Native do
  @moduledoc false
  # The NIF (c_src/).
  @on_load :load

  def load do
    path = System.get_env("SPIKARD_NIF") || Path.join(priv(), "spikard_nif")
    :erlang.load_nif(String.to_charlist(path), 0)
  end

  defp priv do
    case :code.priv_dir(:spikard) do
      {:error, _} -> Path.join(Path.dirname(Path.dirname(to_string(:code.which(__MODULE__)))), "priv")
      path -> to_string(path)
    end
  end

  def abi, do: missing()
  def sync_env(_pairs), do: missing()
  def app_open(_manifest, _configured), do: missing()
  def app_start(_app), do: missing()
  def app_info(_app), do: missing()
  def app_report(_app), do: missing()
  def app_drain(_app, _ms), do: missing()
  def app_close(_app), do: missing()
  def port_open(_app, _pid), do: missing()
  def port_close(_port), do: missing()
  def next_user, do: missing()
  def waiting(_port), do: missing()
  def submit(_port, _op, _id, _flags, _status, _format, _user, _arg, _client, _head, _body, _pid), do: missing()
  def nodes(_record, _offset, _count, _ordered), do: missing()
  def pairs(_record, _offset, _count), do: missing()
  def json_read(_text, _ordered), do: missing()
  def json_write(_term), do: missing()
  def signals(_pid), do: missing()

  defp missing, do: :erlang.nif_error(:spikard_nif_not_loaded)
end
