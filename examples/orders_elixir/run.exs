# `make run IN=elixir`
Spikard.run(Orders)
