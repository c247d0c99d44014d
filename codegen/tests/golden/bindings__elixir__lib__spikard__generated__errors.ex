# Generated from spec/errors.yaml by codegen. Do not edit.
defmodule Spikard.Generated.Errors do
  @moduledoc false

  @typedoc """
  What went wrong. Branch on this, never on a message.

    * `:not_found`: Not there.
    * `:timeout`: Too long, by far.
  """
  @type kind ::
          :not_found
          | :timeout

  @typedoc """
  Whether trying again may help.

    * `:permanent`: Never.
    * `:temporary`: Later.
  """
  @type retry :: :permanent | :temporary

  def kind(1), do: :not_found
  def kind(7), do: :timeout
  def kind(_), do: :internal

  def retry(0), do: :permanent
  def retry(1), do: :temporary
  def retry(_), do: :permanent

  @doc "The class an error of a kind has unless its maker says otherwise."
  def default_retry(:not_found), do: :permanent
  def default_retry(:timeout), do: :temporary

  @doc "Finer codes of each subsystem, and their kind."
  def details do
    %{
      shop: %{
        "no_bike" => :not_found
      }
    }
  end
end
