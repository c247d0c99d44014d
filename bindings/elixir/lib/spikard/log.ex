defmodule Spikard.Log do
  @moduledoc false
  require Logger

  @doc "With `logger: true` failures of handlers go to Logger; the core's own log is then silent."
  def failure(%{plan: %{logger: true}}, kind, reason, stack) do
    Logger.error(Exception.format(kind, reason, stack), crash_reason: {reason, stack}, domain: [:spikard])
  end

  def failure(_, _, _, _), do: :ok
end
