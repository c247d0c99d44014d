defmodule Spikard.Response do
  @moduledoc """
  An answer with a status and headers. `content`: `{:json, value}`, `{:text, text}`, `{:bytes, data}`, `{:chunks, enumerable}` or nil for none. `Spikard.json/2` and its like make one.

  A handler may as well return a map, list, number or boolean (JSON), text, `nil` or `:ok` (204), `{status, value}`, `{:ok, value}`, `{:error, problem}`, or raise `Spikard.Problem`.
  """
  alias Spikard.{Problem, Response}
  import Spikard.Generated.Abi
  require Spikard.Generated.Abi

  defstruct status: 200, headers: [], media_type: nil, content: nil
  @type t :: %__MODULE__{status: 100..999, headers: [{String.t(), String.t()}], media_type: String.t() | nil, content: term()}

  @doc "Replaces lines of the same name."
  def put_header(%__MODULE__{} = response, name, value) do
    lower = String.downcase(name)
    %{response | headers: Enum.reject(response.headers, fn {other, _} -> String.downcase(other) == lower end) ++ [{name, to_string(value)}]}
  end

  @doc "Adds a line."
  def add_header(%__MODULE__{} = response, name, value), do: %{response | headers: response.headers ++ [{name, to_string(value)}]}

  @doc "Adds a Set-Cookie line (RFC 6265). Options: `:max_age` (seconds), `:domain`, `:path`, `:same_site`, `:secure`, `:http_only`."
  def put_cookie(response, name, value \\ "", opts \\ []) do
    line = [
      "#{name}=#{value}",
      opts[:max_age] && "; Max-Age=#{opts[:max_age]}",
      opts[:domain] && "; Domain=#{opts[:domain]}",
      opts[:path] && "; Path=#{opts[:path]}",
      opts[:same_site] && "; SameSite=#{opts[:same_site] |> to_string() |> String.capitalize()}",
      opts[:secure] && "; Secure",
      opts[:http_only] && "; HttpOnly"
    ]

    add_header(response, "set-cookie", line |> Enum.filter(& &1) |> Enum.join())
  end

  @doc false
  # {status, format, headers, body of the command} of what a handler or hook has returned.
  def render(value, status, base) do
    case value do
      %Response{content: content} = response -> {checked(response.status), response |> content(content) |> with_type(response)}
      %{__struct__: Problem} = problem -> render(Problem.response(problem, base), status, base)
      {:error, %{__exception__: true} = error} -> raise error
      {:ok, value} -> render(value, status, base)
      {code, value} when is_integer(code) -> render(value, checked(code), base) |> put_elem(0, checked(code))
      nil -> {none(status), {body_raw(), [], nil}}
      :ok -> {none(status), {body_raw(), [], nil}}
      text when is_binary(text) -> {status, {body_text(), [], text}}
      {kind, _} = tagged when kind in [:json, :text, :bytes] -> {status, content(nil, tagged)}
      value when is_map(value) or is_list(value) or is_number(value) or is_atom(value) -> {status, {body_nodes(), [], {:nodes, value}}}
      other -> raise ArgumentError, "#{inspect(other)} is no answer"
    end
  end

  defp none(200), do: 204
  defp none(status), do: status
  defp content(_, nil), do: {body_raw(), [], nil}
  defp content(_, {:json, value}), do: {body_nodes(), [], {:nodes, value}}
  defp content(_, {:text, text}), do: {body_text(), [], text}
  defp content(_, {:bytes, data}), do: {body_raw(), [], data}
  defp content(_, text) when is_binary(text), do: {body_text(), [], text}
  defp content(_, value), do: {body_nodes(), [], {:nodes, value}}

  defp with_type({format, [], body}, response), do: {format, typed(response), body}

  @doc false
  def typed(%Response{headers: headers, media_type: nil}), do: headers

  def typed(%Response{headers: headers, media_type: type}) do
    if Enum.any?(headers, fn {name, _} -> String.downcase(name) == "content-type" end), do: headers, else: headers ++ [{"content-type", type}]
  end

  @doc false
  def checked(status) when is_integer(status) and status in 100..999, do: status
  def checked(status), do: raise(ArgumentError, "#{inspect(status)} is no HTTP status")
end

defmodule Spikard.Served do
  @moduledoc false
  # An answer that the core makes by itself, without its bytes coming here: operation, number of the client, arguments, status (0: the operation's own).
  defstruct [:operation, :client, :args, status: 0]
end

defmodule Spikard.Problem do
  @moduledoc """
  An RFC 9457 problem document, raised or returned: `raise Spikard.Problem, status: 404, detail: "no user 7"`. Members that are not given are filled in from the status.

  Options: `:status`, `:title`, `:detail`, `:type` (a URI; or, without a colon, the last segment of one below the application's `problem_base`), `:instance`, `:extensions`, `:headers`.
  """
  defexception status: 500, document: %{}, headers: [], exact: false, message: ""

  @titles %{
    400 => "Bad Request",
    401 => "Unauthorized",
    402 => "Payment Required",
    403 => "Forbidden",
    404 => "Not Found",
    405 => "Method Not Allowed",
    406 => "Not Acceptable",
    408 => "Request Timeout",
    409 => "Conflict",
    410 => "Gone",
    412 => "Precondition Failed",
    413 => "Payload Too Large",
    415 => "Unsupported Media Type",
    422 => "Unprocessable Content",
    423 => "Locked",
    425 => "Too Early",
    428 => "Precondition Required",
    429 => "Too Many Requests",
    451 => "Unavailable For Legal Reasons",
    500 => "Internal Server Error",
    501 => "Not Implemented",
    502 => "Bad Gateway",
    503 => "Service Unavailable",
    504 => "Gateway Timeout"
  }
  @base "https://spikard.dev/problems/"

  @impl true
  def exception(status) when is_integer(status), do: exception(status: status)
  def exception({status, detail}), do: exception(status: status, detail: detail)

  def exception(opts) do
    status = opts[:status] || 500
    title = opts[:title] || @titles[status] || "Error"
    slug = (@titles[status] || title) |> String.downcase() |> String.replace(" ", "-")
    document = %{"type" => opts[:type] || slug, "title" => title, "status" => status}
    document = if opts[:type] == "", do: Map.delete(document, "type"), else: document
    document = for key <- [:detail, :instance], opts[key] != nil, into: document, do: {Atom.to_string(key), opts[key]}
    document = Map.merge(document, Map.new(opts[:extensions] || %{}, fn {key, value} -> {to_string(key), value} end))
    text = if opts[:detail], do: "#{status} #{title}: #{opts[:detail]}", else: "#{status} #{title}"
    %__MODULE__{status: status, document: document, headers: Enum.map(opts[:headers] || [], fn {k, v} -> {to_string(k), to_string(v)} end), message: text}
  end

  @doc "As `exception/1`."
  def new(opts), do: exception(opts)

  @doc "A problem with exactly these members."
  def from(document, headers \\ []) do
    status = document["status"] || 500
    %__MODULE__{status: status, document: document, headers: headers, exact: true, message: "#{status} #{document["title"]}"}
  end

  @doc false
  def response(%__MODULE__{} = problem, base) do
    type = problem.document["type"]
    relative = not problem.exact and is_binary(type) and not String.contains?(type, ":")
    document = if relative, do: Map.put(problem.document, "type", (base || @base) <> type), else: problem.document
    %Spikard.Response{status: problem.status, headers: problem.headers, media_type: "application/problem+json", content: {:json, document}}
  end
end
