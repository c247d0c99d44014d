defmodule Spikard.Router do
  @moduledoc """
  An application as a module.

      defmodule Orders do
        use Spikard.Router, name: "orders"

        hook :on_request, :who
        get "/orders/:id", :show, path: [id: :integer]
        post "/orders", :create, body: Order, status: 201

        def who(request), do: Spikard.Request.assign(request, :who, "ann")
        def show(request), do: %{id: request.path.id}
        def create(request), do: request.body
      end

  Handlers are names of functions of the module, or functions. Everything else of `Spikard` takes the application: `Orders.app() |> Spikard.service(...)`, or a function `init(app)` in the module.
  """
  defmacro __using__(opts) do
    quote do
      import Spikard.Router,
        only: [
          get: 2,
          get: 3,
          post: 2,
          post: 3,
          put: 2,
          put: 3,
          patch: 2,
          patch: 3,
          delete: 2,
          delete: 3,
          head: 2,
          head: 3,
          options: 2,
          options: 3,
          hook: 2,
          consume: 2,
          consume: 3,
          event: 2,
          event: 3
        ]

      Module.register_attribute(__MODULE__, :spikard_items, accumulate: true)
      @spikard_options unquote(opts)
      @before_compile Spikard.Router
      def init(app), do: app
      def child_spec(opts), do: Spikard.child_spec([app: __MODULE__, id: __MODULE__] ++ opts)
      defoverridable init: 1, child_spec: 1
    end
  end

  for method <- [:get, :post, :put, :patch, :delete, :head, :options] do
    @doc "A route; the options of `Spikard.route/5`."
    defmacro unquote(method)(path, handler, opts \\ []), do: item(:route, [unquote(method), path], handler, opts)
  end

  defmacro hook(phase, handler), do: item(:hook, [phase], handler, [])
  defmacro consume(topic, handler, opts \\ []), do: item(:consumer, [topic], handler, opts)
  defmacro event(type, handler, opts \\ []), do: item(:event, [type], handler, opts)

  # Kept as code: options may name functions, which attributes do not hold.
  defp item(kind, args, handler, opts), do: quote(do: @spikard_items(unquote(Macro.escape({kind, args, handler, opts}))))

  defmacro __before_compile__(env) do
    steps =
      for {kind, args, handler, opts} <- env.module |> Module.get_attribute(:spikard_items) |> Enum.reverse() do
        handler = if is_atom(handler), do: quote(do: Function.capture(__MODULE__, unquote(handler), 1)), else: handler
        rest = if kind == :hook, do: [], else: [opts]
        quote(do: app = Spikard.unquote(kind)(app, unquote_splicing(args), unquote(handler), unquote_splicing(rest)))
      end

    quote do
      @doc "The application."
      def app do
        app = Spikard.new(@spikard_options[:name] || inspect(__MODULE__), @spikard_options)
        unquote_splicing(steps)
        init(app)
      end
    end
  end
end
