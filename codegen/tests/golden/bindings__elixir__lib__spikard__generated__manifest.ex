# Generated from spec/services by codegen. Do not edit.
defmodule Spikard.Manifest do
  @moduledoc """
  The manifest: an application as data. Maps of these types, with the names that spikard.toml and the other languages have; keyword lists do as well.
  """

  @typedoc """
  A colour.

    * `:red`: Like fire.
    * `:null`
  """
  @type colour :: :red | :null

  @typedoc """
  A wheel.

    * `:in`: Its size, in inches. In inches.
    * `:spokes`: Spokes; -1: not counted. Default: `-1`.
  """
  @type wheel :: %{
          required(:in) => integer(),
          optional(:spokes) => integer()
        }

  @typedoc """
  A shop of bikes.

    * `:name`: Its name. Default: `"the \"shop\""`.
    * `:open`: It is open. Default: `true`.
    * `:colour`: Of the door. Default: `"red"`.
    * `:colours`: Of the bikes. Default: `[]`.
    * `:tags`: Words. Default: `["a", "b"]`.
    * `:wheels`: In store. Default: `[]`.
    * `:best`: The best one.
    * `:by_name`: Named ones. Default: `%{}`.
    * `:any`: Anything.
    * `:limit`: How many; null: any number. Default: `5`.
  """
  @type shop :: %{
          optional(:name) => String.t(),
          optional(:open) => boolean(),
          optional(:colour) => colour(),
          optional(:colours) => [colour()],
          optional(:tags) => [String.t()],
          optional(:wheels) => [wheel()],
          optional(:best) => wheel() | nil,
          optional(:by_name) => %{optional(String.t()) => wheel()},
          optional(:any) => term(),
          optional(:limit) => non_neg_integer() | nil
        }
end
