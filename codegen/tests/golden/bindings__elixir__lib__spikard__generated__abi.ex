# Generated from spec/abi, spec/events.yaml and spec/operations by codegen. Do not edit.
defmodule Spikard.Generated.Abi do
  @moduledoc false
  # Numbers of the port (c_src/spikard.gen.h). Macros, so that they may stand in patterns.

  def version, do: "1.2.3"

  defmacro abi, do: 3
  defmacro ev_asked, do: 3
  defmacro cmd_sold, do: 2
  defmacro op_shop_buy, do: 40
  defmacro op_shop_read, do: 41
  defmacro op_shop_write, do: 42
  defmacro f_new, do: 1
  defmacro method_get, do: 1
  defmacro hook_first, do: 0
  defmacro cancel_bored, do: 1
  defmacro body_raw, do: 0
  defmacro e_ok, do: 0
  defmacro e_config, do: 2
end
