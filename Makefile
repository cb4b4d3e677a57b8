# Targets explain themselves: `make help`.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BASE   ?= main
STAMP  := $(VENV)/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: map deps help env repro test test-all check format lint types contracts lock pr-report clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP) ## Make the environment in .venv from the hash-pinned requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("tonegap needs Python 3.11 or newer: make PYTHON=python3.11 " + "$(MAKECMDGOALS)") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

repro: env ## Run the whole pipeline: environment, then `dvc repro`
	tonegap check
	dvc repro

test: env ## Run the tests that a change must pass
	pytest -n auto -m "not network and not gpu"

check: env format lint types contracts test ## Format, lint, types, import contracts, tests

format: env ## Check the formatting
	ruff format --check .

lint: env ## Check the style
	ruff check .

types: env ## Check the types
	mypy

contracts: env ## Check that imports keep to the layers
	lint-imports

map: env ## Write the map of the tree into docs/map.md
	python tests/support/tree_map.py

deps: env ## Write the code that each stage imports into dvc.yaml
	python tests/support/stage_deps.py

lock: env ## Pin the newest versions that fit, with their hashes
	uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --group dev --all-extras --no-annotate --custom-compile-command "make lock" pyproject.toml -o requirements.lock

pr-report: env ## Compare this checkout with BASE (default: main), both reproduced; fail if gate.yaml says no
	tonegap pr-report --base "$(BASE)"

clean: ## Remove what the pipeline and the tools wrote; the image store stays
	rm -rf data models results private plots-diff dvc_plots .pytest_cache .mypy_cache .ruff_cache .hypothesis
