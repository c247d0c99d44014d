# Generated from spec/operations by codegen. Do not edit.
# Clients of the toolbox: one function an operation. The modules that applications use (lib/spikard/toolbox) take these in and add what is native to Elixir. Spans of time are in milliseconds.

defmodule Spikard.Generated.Shop do
  @moduledoc false

  defmacro __using__(_) do
    quote location: :keep do
      alias Spikard.Client

      @doc false
      def __group__, do: :shop

      @doc ~S"""
      Buys.
      
      In full: "a\b".

        * `what`: A name, in full.

      Options:

        * `:in`: Where. Default: `[]`.
        * `:by_name`: Notes. Default: `%{}`.
        * `:wait_ms`: How long. Null: as long as it takes. In ms. Default: `nil`.
        * `:hold_ms`: How long it is held. In ms. Default: `1500`.
        * `:gift`: Wrapped. Default: `true`.
        * `:note`: A note. Default: `""`.

      Gives a map:

        * `:id`: Its number.
        * `:takes_ms`: How long. In ms.
        * `:bought_at`: When. In ms.
        * `:parts`: Its parts; null for what is missing.

      Errors: `:not_found`.
      """
      @spec buy(Client.t(), String.t(), keyword()) :: {:ok, %{id: non_neg_integer(), takes_ms: non_neg_integer() | nil, bought_at: integer(), parts: [binary() | nil]}} | {:error, Spikard.Error.t()}
      def buy(client, what, opts \\ []),
        do: Client.call(client, 40, [{"what", what, :any}], opts, [in: {"in", :any}, by_name: {"by_name", {:map, :bytes}}, wait_ms: {"wait_ms", :any}, hold_ms: {"hold_ms", :any}, gift: {"gift", :any}, note: {"note", :bytes}], [{"id", :id, nil}, {"takes_ms", :takes_ms, nil}, {"bought_at", :bought_at, nil}, {"parts", :parts, nil}])

      @doc "As `buy`, but raises `Spikard.Error`."
      @spec buy!(Client.t(), String.t(), keyword()) :: %{id: non_neg_integer(), takes_ms: non_neg_integer() | nil, bought_at: integer(), parts: [binary() | nil]}
      def buy!(client, what, opts \\ []), do: Client.bang(buy(client, what, opts))

      @doc ~S"""
      Reads.

        * `what`: What.

      Gives how much.
      """
      @spec read(Client.t(), String.t(), keyword()) :: Spikard.ByteStream.t()
      def read(client, what, opts \\ []),
        do: Client.stream(client, 41, [{"what", what, :any}], opts, [], [{"size", :size, nil}])

      @doc ~S"""
      Writes.

        * `what`: What.

      Options:

        * `:kind`: Any. Default: `nil`.
      """
      @spec write(Client.t(), String.t(), Enumerable.t(), keyword()) :: :ok | {:error, Spikard.Error.t()}
      def write(client, what, chunks, opts \\ []),
        do: Client.send(client, 42, [{"what", what, :any}], opts, [kind: {"kind", :any}], [], chunks)

      @doc "As `write`, but raises `Spikard.Error`."
      @spec write!(Client.t(), String.t(), Enumerable.t(), keyword()) :: :ok
      def write!(client, what, chunks, opts \\ []), do: Client.bang(write(client, what, chunks, opts))

      defoverridable buy: 3, read: 3, write: 4
    end
  end
end
