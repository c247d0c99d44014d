module spikard.dev/examples/orders

go 1.24

require spikard.dev/go v0.0.0

replace spikard.dev/go => ../../bindings/go
