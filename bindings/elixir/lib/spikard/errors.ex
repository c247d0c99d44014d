defmodule Spikard.Error do
  @moduledoc """
  An operation of the toolbox failed. Branch on `kind` (and `detail`), never on the message.
  """
  alias Spikard.Generated.Errors
  defexception kind: :internal, detail: "", retry: :permanent, message: ""

  @type kind :: Errors.kind()
  @type t :: %__MODULE__{kind: kind(), detail: String.t(), retry: Errors.retry(), message: String.t()}

  @doc "`retry`: default by the kind."
  def new(kind, message, detail \\ "", retry \\ nil),
    do: %__MODULE__{kind: kind, message: message, detail: detail, retry: retry || Errors.default_retry(kind)}
end

defmodule Spikard.ConfigError do
  @moduledoc "The application, or its configuration, is wrong."
  defexception [:message]
end

defmodule Spikard.CancelledError do
  @moduledoc """
  What a handler waited for is not waited for any more. `reason`: `:requested`, `:deadline`, `:client_gone` or `:shutdown`.
  """
  defexception reason: :requested

  @impl true
  def message(%{reason: reason}), do: "cancelled: #{reason}"
end
