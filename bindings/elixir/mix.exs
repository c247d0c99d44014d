# The compiler of the NIF is of this project itself.
unless Code.ensure_loaded?(Mix.Tasks.Compile.SpikardNif), do: Code.require_file("build_nif.exs", __DIR__)

defmodule Spikard.MixProject do
  use Mix.Project

  def project do
    [
      app: :spikard,
      version: "0.1.0",
      elixir: "~> 1.14",
      description: "Services and their toolbox on the Spikard core",
      compilers: [:spikard_nif] ++ Mix.compilers(),
      build_path: System.get_env("SPIKARD_MIX_BUILD", "_build"),
      # Tests have structs of their own.
      consolidate_protocols: Mix.env() != :test,
      deps: [],
      package: [licenses: ["MIT"], links: %{}, files: ~w(lib c_src build build_nif.exs mix.exs README.md .formatter.exs)]
    ]
  end

  def application, do: [extra_applications: [:logger, :inets]]
end
