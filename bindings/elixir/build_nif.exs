defmodule Mix.Tasks.Compile.SpikardNif do
  @moduledoc "Builds the NIF into priv/ (bindings/elixir/build says against which core)."
  @shortdoc "Builds the NIF of Spikard"
  use Mix.Task.Compiler

  @impl true
  def run(_args) do
    root = Path.dirname(Mix.Project.project_file())
    priv = Path.join(root, "priv")

    case System.cmd(Path.join(root, "build"), [], stderr_to_stdout: true, env: [{"SPIKARD_PRIV", priv}]) do
      {_, 0} ->
        Mix.Project.build_structure()
        :ok

      {output, code} ->
        Mix.shell().error("spikard: the NIF was not built (#{code}):\n#{output}")
        {:error, []}
    end
  end
end
