module spikard.dev/go

go 1.24
