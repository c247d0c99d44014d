defmodule Spikard.Schema do
  @moduledoc """
  Structs with a schema, for typed bodies, payloads and arguments. The core checks against it, all violations at once; the struct is made of what passed.

      defmodule Order do
        use Spikard.Schema

        schema do
          field :item, :string, min_length: 1
          field :quantity, :integer, minimum: 1, default: 1
          field :state, {:enum, [:new, :paid]}, default: :new
          field :wanted, :date, required: false
          embeds_many :lines, Line
        end
      end

  Types: `:string`, `:integer`, `:float`, `:boolean`, `:uuid`, `:date`, `:datetime`, `:time`, `:email`, `:uri`, `:map`, `:any`, `{:array, type}`, `{:map, type}`, `{:enum, values}`,
  `{:nullable, type}`, a module of this kind, or JSON Schema as a map. Options: `:default`, `:required`, `:nullable`, `:description`, and those of JSON Schema in snake case (`:min_length`,
  `:max_length`, `:pattern`, `:minimum`, `:maximum`, `:exclusive_minimum`, `:exclusive_maximum`, `:multiple_of`, `:min_items`, `:max_items`, `:unique_items`, `:format`, `:enum`, `:examples`).
  A field is required unless it has a default or says `required: false`. `schema closed: true do` refuses members that are not fields.
  """

  defmacro __using__(_) do
    quote do
      import Spikard.Schema, only: [schema: 1, schema: 2]
    end
  end

  @doc "The fields of the struct."
  defmacro schema(opts \\ [], do: block) do
    quote do
      import Spikard.Schema, only: [field: 2, field: 3, embeds_one: 2, embeds_one: 3, embeds_many: 2, embeds_many: 3]
      Module.register_attribute(__MODULE__, :spikard_fields, accumulate: true)
      unquote(block)
      @spikard_all Enum.reverse(@spikard_fields)
      defstruct Enum.map(@spikard_all, fn {name, _, opts} -> {name, Keyword.get(opts, :default)} end)
      @doc false
      def __spikard_schema__(:fields), do: @spikard_all
      def __spikard_schema__(:options), do: unquote(opts)
      @doc "The JSON Schema of this struct."
      def json_schema, do: Spikard.Schema.json(__MODULE__)

      defimpl Spikard.Plain do
        def plain(struct), do: Spikard.Schema.dump(struct)
      end
    end
  end

  defmacro field(name, type, opts \\ []) do
    quote do
      @spikard_fields {unquote(name), unquote(type), unquote(opts)}
    end
  end

  defmacro embeds_one(name, module, opts \\ []) do
    quote do
      @spikard_fields {unquote(name), unquote(module), unquote(opts)}
    end
  end

  defmacro embeds_many(name, module, opts \\ []) do
    quote do
      @spikard_fields {unquote(name), {:array, unquote(module)}, unquote(opts)}
    end
  end

  @doc "Whether it is a module of this kind."
  def schema?(module), do: is_atom(module) and Code.ensure_loaded?(module) and function_exported?(module, :__spikard_schema__, 1)

  @formats %{uuid: "uuid", date: "date", datetime: "date-time", time: "time", email: "email", uri: "uri"}
  @simple %{string: "string", integer: "integer", float: "number", number: "number", boolean: "boolean", map: "object"}

  @doc "The JSON Schema (2020-12) of a type."
  def json(type) do
    {schema, defs} = json(type, [], %{})

    case defs do
      none when none == %{} ->
        schema

      _ ->
        # A module on its own stands at the root; what it needs is below `$defs`.
        case schema do
          %{"$ref" => "#/$defs/" <> name} = ref when map_size(ref) == 1 ->
            {own, others} = Map.pop!(defs, name)
            if recursive?(own, others, name), do: Map.put(schema, "$defs", defs), else: with_defs(own, others)

          _ ->
            Map.put(schema, "$defs", defs)
        end
    end
  end

  defp with_defs(schema, defs) when defs == %{}, do: schema
  defp with_defs(schema, defs), do: Map.put(schema, "$defs", defs)
  defp recursive?(own, others, name), do: refers?(own, name) or Enum.any?(others, fn {_, schema} -> refers?(schema, name) end)
  defp refers?(%{"$ref" => "#/$defs/" <> name}, name), do: true
  defp refers?(map, name) when is_map(map), do: Enum.any?(map, fn {_, value} -> refers?(value, name) end)
  defp refers?(list, name) when is_list(list), do: Enum.any?(list, &refers?(&1, name))
  defp refers?(_, _), do: false

  defp json(schema, opts, defs) when is_map(schema), do: {constrained(strings(schema), opts), defs}
  defp json(:any, opts, defs), do: {constrained(%{}, opts), defs}
  defp json(type, opts, defs) when is_map_key(@formats, type), do: {constrained(%{"type" => "string", "format" => @formats[type]}, opts), defs}
  defp json(type, opts, defs) when is_map_key(@simple, type), do: {constrained(%{"type" => @simple[type]}, opts), defs}

  defp json({:nullable, type}, opts, defs), do: json(type, Keyword.put(opts, :nullable, true), defs)
  defp json({:enum, values}, opts, defs), do: {constrained(%{"enum" => Enum.map(values, &enum_value/1)}, opts), defs}

  defp json({:array, type}, opts, defs) do
    {items, defs} = json(type, [], defs)
    {constrained(%{"type" => "array", "items" => items}, opts), defs}
  end

  defp json({:map, type}, opts, defs) do
    {members, defs} = json(type, [], defs)
    {constrained(%{"type" => "object", "additionalProperties" => members}, opts), defs}
  end

  defp json({type, more}, opts, defs) when is_list(more), do: json(type, Keyword.merge(more, opts), defs)

  defp json(module, opts, defs) do
    unless schema?(module), do: raise(Spikard.ConfigError, "#{inspect(module)} is no type of a schema")
    name = module |> Module.split() |> Enum.join(".")
    ref = %{"$ref" => "#/$defs/#{name}"}
    defs = if Map.has_key?(defs, name), do: defs, else: object(module, name, Map.put(defs, name, %{}))
    described = constrained(ref, Keyword.delete(opts, :nullable))
    {if(opts[:nullable], do: %{"anyOf" => [described, %{"type" => "null"}]}, else: described), defs}
  end

  defp object(module, name, defs) do
    fields = module.__spikard_schema__(:fields)

    {properties, defs} =
      Enum.reduce(fields, {%{}, defs}, fn {field, type, opts}, {properties, defs} ->
        {schema, defs} = json(type, opts, defs)
        {Map.put(properties, Atom.to_string(field), schema), defs}
      end)

    required = for {field, type, opts} <- fields, required?(type, opts), do: Atom.to_string(field)
    schema = %{"type" => "object", "properties" => properties}
    schema = if required == [], do: schema, else: Map.put(schema, "required", required)
    schema = if module.__spikard_schema__(:options)[:closed], do: Map.put(schema, "additionalProperties", false), else: schema
    Map.put(defs, name, schema)
  end

  defp required?(_type, opts), do: Keyword.get(opts, :required, not Keyword.has_key?(opts, :default))
  defp enum_value(value) when is_atom(value) and value not in [nil, true, false], do: Atom.to_string(value)
  defp enum_value(value), do: value

  defp constrained(schema, opts) do
    Enum.reduce(opts, schema, fn
      {:nullable, true}, %{"type" => type} = out -> Map.put(out, "type", [type, "null"])
      {:nullable, true}, %{"enum" => values} = out -> Map.put(out, "enum", values ++ [nil])
      {:nullable, _}, out -> out
      {:required, _}, out -> out
      {:name, _}, out -> out
      {:type, _}, out -> out
      {:default, nil}, out -> out
      {:default, value}, out -> Map.put(out, "default", Spikard.Value.plain(value))
      {:enum, values}, out -> Map.put(out, "enum", Enum.map(values, &enum_value/1))
      {key, value}, out -> Map.put(out, camel(key), strings(value))
    end)
  end

  defp camel(key) do
    [first | rest] = key |> Atom.to_string() |> String.split("_")
    Enum.join([first | Enum.map(rest, &String.capitalize/1)])
  end

  defp strings(map) when is_map(map) and not is_struct(map), do: Map.new(map, fn {key, value} -> {to_string(key), strings(value)} end)
  defp strings(list) when is_list(list), do: Enum.map(list, &strings/1)
  defp strings(atom) when is_atom(atom) and atom not in [nil, true, false], do: Atom.to_string(atom)
  defp strings(%Regex{} = regex), do: Regex.source(regex)
  defp strings(value), do: value

  @doc "A value that fits the type, in Elixir's own terms: structs, dates, atoms of enumerations."
  def load(_type, nil), do: nil
  def load({:nullable, type}, value), do: load(type, value)
  def load({:array, type}, values) when is_list(values), do: Enum.map(values, &load(type, &1))
  def load({:map, type}, map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, load(type, value)} end)
  def load({:enum, values}, value), do: Enum.find(values, value, &(enum_value(&1) === value))
  def load({type, opts}, value) when is_list(opts), do: load(type, value)
  def load(:date, text) when is_binary(text), do: parsed(Date.from_iso8601(text), text)
  def load(:time, text) when is_binary(text), do: parsed(Time.from_iso8601(text), text)
  def load(:datetime, text) when is_binary(text), do: with({:ok, at, _} <- DateTime.from_iso8601(text), do: at, else: (_ -> text))
  def load(:float, number) when is_integer(number), do: number / 1
  def load(schema, value) when is_map(schema), do: value

  def load(module, map) when is_atom(module) and is_map(map) do
    if schema?(module) do
      fields =
        for {field, type, opts} <- module.__spikard_schema__(:fields), Map.has_key?(map, Atom.to_string(field)) do
          {field, load(enumerated(type, opts), map[Atom.to_string(field)])}
        end

      struct(module, fields)
    else
      map
    end
  end

  def load(_, value), do: value

  defp enumerated(type, opts), do: if(opts[:enum], do: {:enum, opts[:enum]}, else: type)
  defp parsed({:ok, value}, _), do: value
  defp parsed(_, text), do: text

  @doc "The struct as the members of its schema."
  def dump(%module{} = struct), do: Map.new(module.__spikard_schema__(:fields), fn {field, _, _} -> {Atom.to_string(field), Map.get(struct, field)} end)
end
