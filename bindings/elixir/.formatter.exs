macros = [
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
  hook: 2,
  consume: 2,
  consume: 3,
  event: 2,
  event: 3,
  field: 2,
  field: 3,
  embeds_one: 2,
  embeds_many: 2
]

# What codegen writes is not formatted.
[
  inputs: [
    "{mix,.formatter,build_nif,soak}.exs",
    "lib/*.ex",
    "lib/spikard/*.ex",
    "lib/spikard/toolbox/*.ex",
    "test/**/*.{ex,exs}",
    "../../e2e/elixir/*.ex",
    "../../examples/orders_elixir/*.{ex,exs}"
  ],
  line_length: 160,
  locals_without_parens: macros,
  export: [locals_without_parens: macros]
]
