# Generated from spec/errors.yaml by codegen. Do not edit.
defmodule Spikard.Generated.Errors do
  @moduledoc false

  @typedoc """
  What went wrong. Branch on this, never on a message.

    * `:not_found`: What must be there is not.
    * `:already_exists`: What must not be there is.
    * `:invalid_argument`: The request or the configuration is wrong, whatever the state.
    * `:permission_denied`: The caller may not do this.
    * `:condition_failed`: A condition that the caller named does not hold.
    * `:conflict`: Somebody else changed the same thing at the same time.
    * `:timeout`: It took longer than allowed, and did not happen.
    * `:cancelled`: The caller or a shutdown stopped it.
    * `:unavailable`: A service or resource cannot be reached or is overloaded.
    * `:rate_limited`: Too many requests or no room in a queue.
    * `:unsupported`: This backend or build cannot do it.
    * `:too_large`: A limit on size was passed.
    * `:corrupt`: Stored or received data cannot be understood.
    * `:outcome_unknown`: It may have happened or not; the answer was lost.
    * `:internal`: A bug or something that was not foreseen.
  """
  @type kind ::
          :not_found
          | :already_exists
          | :invalid_argument
          | :permission_denied
          | :condition_failed
          | :conflict
          | :timeout
          | :cancelled
          | :unavailable
          | :rate_limited
          | :unsupported
          | :too_large
          | :corrupt
          | :outcome_unknown
          | :internal

  @typedoc """
  Whether trying again may help.

    * `:permanent`: Trying the same again gives the same answer.
    * `:temporary`: Trying again later may work.
    * `:exhausted`: It was tried as often as allowed.
  """
  @type retry :: :permanent | :temporary | :exhausted

  def kind(1), do: :not_found
  def kind(2), do: :already_exists
  def kind(3), do: :invalid_argument
  def kind(4), do: :permission_denied
  def kind(5), do: :condition_failed
  def kind(6), do: :conflict
  def kind(7), do: :timeout
  def kind(8), do: :cancelled
  def kind(9), do: :unavailable
  def kind(10), do: :rate_limited
  def kind(11), do: :unsupported
  def kind(12), do: :too_large
  def kind(13), do: :corrupt
  def kind(14), do: :outcome_unknown
  def kind(15), do: :internal
  def kind(_), do: :internal

  def retry(0), do: :permanent
  def retry(1), do: :temporary
  def retry(2), do: :exhausted
  def retry(_), do: :permanent

  @doc "The class an error of a kind has unless its maker says otherwise."
  def default_retry(:not_found), do: :permanent
  def default_retry(:already_exists), do: :permanent
  def default_retry(:invalid_argument), do: :permanent
  def default_retry(:permission_denied), do: :permanent
  def default_retry(:condition_failed), do: :permanent
  def default_retry(:conflict), do: :temporary
  def default_retry(:timeout), do: :temporary
  def default_retry(:cancelled), do: :permanent
  def default_retry(:unavailable), do: :temporary
  def default_retry(:rate_limited), do: :temporary
  def default_retry(:unsupported), do: :permanent
  def default_retry(:too_large), do: :permanent
  def default_retry(:corrupt), do: :permanent
  def default_retry(:outcome_unknown), do: :permanent
  def default_retry(:internal), do: :permanent

  @doc "Finer codes of each subsystem, and their kind."
  def details do
    %{
      storage: %{
        "invalid_key" => :invalid_argument,
        "range_not_satisfiable" => :invalid_argument,
        "condition_not_met" => :condition_failed,
        "aborted" => :cancelled,
        "invalid_upload" => :invalid_argument,
        "no_such_upload" => :not_found,
        "invalid_part" => :conflict
      },
      cache: %{
        "not_an_integer" => :invalid_argument,
        "out_of_range" => :invalid_argument,
        "load_failed" => :internal
      },
      db: %{
        "parameter_count" => :invalid_argument,
        "invalid_parameter" => :invalid_argument,
        "out_of_range" => :invalid_argument,
        "multiple_statements" => :invalid_argument,
        "duplicate_column" => :invalid_argument,
        "syntax_error" => :invalid_argument,
        "undefined_table" => :invalid_argument,
        "unique_violation" => :already_exists,
        "foreign_key_violation" => :conflict,
        "not_null_violation" => :conflict,
        "check_violation" => :conflict,
        "transaction_aborted" => :conflict,
        "scope_failed" => :internal,
        "pool_timeout" => :timeout,
        "closed" => :unavailable
      },
      cron: %{
        "invalid_cron" => :invalid_argument,
        "invalid_timezone" => :invalid_argument
      },
      cloudevents: %{
        "invalid_event" => :invalid_argument,
        "unknown_format" => :unsupported,
        "unsupported_charset" => :unsupported,
        "batch_too_large" => :too_large
      }
    }
  end
end
