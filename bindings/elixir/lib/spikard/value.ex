defprotocol Spikard.Plain do
  @moduledoc "What a struct is as a value of JSON. Without an implementation its fields are the members of an object."
  @fallback_to_any true
  @doc "Plain data: maps, lists, text, numbers, booleans, nil."
  def plain(struct)
end

defimpl Spikard.Plain, for: Any do
  def plain(struct), do: Map.from_struct(struct)
end

defimpl Spikard.Plain, for: [DateTime, NaiveDateTime, Date, Time] do
  def plain(value), do: @for.to_iso8601(value)
end

defimpl Spikard.Plain, for: MapSet do
  def plain(set), do: MapSet.to_list(set)
end

defimpl Spikard.Plain, for: URI do
  def plain(uri), do: URI.to_string(uri)
end

defmodule Spikard.Decimal do
  @moduledoc "An exact decimal, as text: what neither an integer nor a float holds."
  @enforce_keys [:text]
  defstruct [:text]
  @type t :: %__MODULE__{text: String.t()}

  def new(text) when is_binary(text), do: %__MODULE__{text: text}

  defimpl String.Chars do
    def to_string(decimal), do: decimal.text
  end
end

defmodule Spikard.Value do
  @moduledoc false
  # Terms on their way to nodes and back. The NIF takes plain terms at once; what it cannot is made plain here first.
  alias Spikard.{Decimal, Native}

  @doc "Structs, keyword lists, tuples and integers of any size as what the NIF takes. `decimals`: as numbers of JSON, or in the form of arguments."
  def plain(value, decimals \\ :number)
  def plain(%Decimal{text: text}, :number), do: {:number, text}
  def plain(%Decimal{text: text}, :form), do: %{"$decimal" => text}
  def plain(%_{} = struct, decimals), do: plain(Spikard.Plain.plain(struct), decimals)
  def plain(map, decimals) when is_map(map), do: Map.new(map, fn {key, value} -> {name(key), plain(value, decimals)} end)
  def plain([{key, _} | _] = list, decimals) when is_atom(key), do: list |> keyword(decimals)
  def plain([_ | _] = list, decimals), do: Enum.map(list, &plain(&1, decimals))
  def plain(integer, _) when is_integer(integer) and (integer > 0xFFFFFFFFFFFFFFFF or integer < -0x8000000000000000), do: {:number, Integer.to_string(integer)}
  def plain({kind, text} = value, _) when kind in [:bytes, :number] and is_binary(text), do: value
  def plain({:bytes, data}, _), do: {:bytes, IO.iodata_to_binary(data)}
  def plain(atom, _) when is_atom(atom) and atom not in [nil, true, false], do: Atom.to_string(atom)

  def plain(value, _) when is_tuple(value) or is_pid(value) or is_function(value) or is_reference(value),
    do: raise(ArgumentError, "#{inspect(value)} is no value of JSON")

  def plain(value, _), do: value

  defp keyword(list, decimals) do
    if Keyword.keyword?(list), do: Map.new(list, fn {key, value} -> {name(key), plain(value, decimals)} end), else: Enum.map(list, &plain(&1, decimals))
  end

  defp name(key) when is_binary(key), do: key
  defp name(key) when is_atom(key), do: Atom.to_string(key)
  defp name(key) when is_integer(key), do: Integer.to_string(key)
  defp name(key), do: raise(ArgumentError, "#{inspect(key)} is no name of a member")

  @doc "Values out of a record: those of `count` nodes from `offset`."
  def nodes(record, offset, count, ordered \\ 0) do
    {values, special} = Native.nodes(record, offset, count, ordered)
    if special, do: Enum.map(values, &exact/1), else: values
  end

  defp exact({:number, text}) do
    case Integer.parse(text) do
      {integer, ""} -> integer
      _ -> Decimal.new(text)
    end
  end

  defp exact(list) when is_list(list), do: Enum.map(list, &exact/1)
  defp exact(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, exact(value)} end)
  defp exact({key, value}), do: {key, exact(value)}
  defp exact(value), do: value
end

defmodule Spikard.JSON do
  @moduledoc "JSON by the core: integers of any size are exact."
  alias Spikard.{Native, Value}

  @spec decode(iodata()) :: {:ok, term()} | {:error, Spikard.Error.t()}
  def decode(text) do
    case Native.json_read(text, 0) do
      {:ok, value, false} -> {:ok, value}
      {:ok, value, true} -> {:ok, special(value)}
      {:error, _, message} -> {:error, Spikard.Error.new(:invalid_argument, message, "invalid_json")}
    end
  end

  @spec decode!(iodata()) :: term()
  def decode!(text), do: Spikard.Client.bang(decode(text))

  @doc "Raises ArgumentError for what is no value of JSON."
  @spec encode!(term()) :: String.t()
  def encode!(value) do
    case Native.json_write(value) do
      {:error, :prepare} -> written(Native.json_write(Value.plain(value)), value)
      result -> written(result, value)
    end
  end

  defp written(text, _) when is_binary(text), do: text
  defp written(_, value), do: raise(ArgumentError, "#{inspect(value)} is no value of JSON")

  defp special({:number, text}) do
    case Integer.parse(text) do
      {integer, ""} -> integer
      _ -> Spikard.Decimal.new(text)
    end
  end

  defp special(list) when is_list(list), do: Enum.map(list, &special/1)
  defp special(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, special(value)} end)
  defp special(value), do: value
end
