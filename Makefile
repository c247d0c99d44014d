# The whole interface, the same here and in CI. `make help` lists it.
export CCACHE_DIR ?= $(HOME)/.cache/spikard/ccache
export CCACHE_NOHASHDIR ?= 1
export CCACHE_BASEDIR ?= $(CURDIR)
JOBS ?= $(shell nproc)
IN ?= cpp
FIXTURES ?= fixtures $(wildcard ../shared/fixtures)
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help bootstrap run build test test-all check lint generate fuzz bench e2e soak clean

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## Install what is missing (apt)
	@tools/bootstrap

run: bootstrap ## Serve examples/orders on 127.0.0.1:8000 (PORT=...; IN=python, node, go or java for those)
	@tools/make run $(IN)

build: bootstrap ## Preset default, and the Python extension in build/venv
	@tools/make build

test: bootstrap ## Everything a change must pass: unit, conformance, fixtures, sanitizers, gcc
	@tools/make test

test-all: bootstrap ## The wide matrix: test, every preset, every Python, longer fuzzing
	@tools/make test-all

check: bootstrap ## Before a push: format, tidy, unit tests, generated files unchanged
	@tools/make check

lint: ## Layering, formatting, generated files
	@tools/make lint

generate: ## Write the generated files again from spec/
	@tools/make generate

fuzz: bootstrap ## Every fuzz target for FUZZ_SECONDS (60)
	@tools/make fuzz $(FUZZ_SECONDS)

bench: bootstrap ## Our servers beside their peers, as ratios
	@tools/make bench

e2e: build ## The fixtures, in every language that is built
	@tools/make e2e

soak: bootstrap ## A million requests to each example: memory must stay flat (IN=node or go: the binding alone)
	@tools/make soak $(IN)

clean: ## Remove build/
	rm -rf build
