# Targets explain themselves: `make help`.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BASE   ?= main
TORCH  ?= locked
STAMP  := $(VENV)/.installed
LOCKED := requirements.lock pyproject.toml
export PATH := $(abspath $(BIN)):$(PATH)

# Columns of `make experiments`: the draw and the errors, and every parameter that differs.
KEEP := data\.(mix|seed)$$|mse\.|(nmse|sigma)\.gap$$
DROP := .*/|images\.txt$$|lists$$|meta\.|settings\.|steps\.|cohort\.|duplicates\.|tone|mixes\.
DROP := $(DROP)|(mse|kl_nats|perceptual|total|effective_beta|step)$$|mse_|(nmse|sigma)\.(?!gap)

.DEFAULT_GOAL := help
.PHONY: help env install packages repro audit test check format lint types contracts parameters map deps \
	plots-page lock experiments pr-report guard hooks image clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: ## Make the environment in .venv from the hash-pinned requirements.lock
	@cat $(LOCKED) | cmp --silent - $(STAMP) || $(MAKE) --no-print-directory install

install: packages
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@cat $(LOCKED) > $(STAMP)

packages:
	$(PYTHON) -c 'import sys; sys.exit("tonegap needs Python 3.11 or newer: make PYTHON=python3.11 env") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
ifeq ($(TORCH),cpu)
	@# PyTorch's CPU build has no hash in the lock file, which pins the build with CUDA.
	awk '/^[a-z]/ {skip = /^(torch|torchvision|triton|cuda-|nvidia-[^m])/} !skip' requirements.lock > $(VENV)/cpu.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps --require-hashes -r $(VENV)/cpu.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --torch-backend cpu \
		$$(grep --only-matching --extended-regexp '^torch(vision)?==[^ ]+' requirements.lock)
else
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
endif

repro: env ## Run the whole pipeline: environment, then `dvc repro`
	tonegap check
	dvc repro

experiments: env ## Show experiments: draw, errors, gaps, changed parameters (EXP='-n 3': of 3 commits)
	dvc exp show --only-changed --keep '$(KEEP)' --drop '$(DROP)' $(EXP)

audit: env ## Audit a tiny autoencoder with random weights on the phantoms (docs/audit.md)
	python tests/support/tiny_autoencoder.py $(VENV)/tiny-vae
	tonegap audit diffusers:$(VENV)/tiny-vae

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

parameters: env ## Check params.yaml and the studies
	tonegap check

map: env ## Write the map of the tree into docs/map.md
	python tests/support/tree_map.py

deps: env ## Write the code that each stage imports into dvc.yaml
	python tests/support/stage_deps.py

plots-page: env ## Bundle Vega into the page of `dvc plots`
	python tests/support/plots_page.py

lock: env ## Pin the newest versions that fit, with their hashes
	uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --group dev --all-extras --no-annotate --custom-compile-command "make lock" pyproject.toml -o requirements.lock

pr-report: env ## Compare this checkout with BASE (default: main), both reproduced; fail if gate.yaml says no
	tonegap pr-report --base "$(BASE)"

guard: env ## Refuse to push pictures of patients
	tonegap guard $${PRE_COMMIT_LOCAL_BRANCH:-HEAD}

hooks: env ## Let git check style before a commit, and types and pictures before a push
	pre-commit install

image: ## Build the Docker image (docs/containers.md)
	docker build --tag tonegap .

clean: ## Remove what the pipeline and the tools wrote; the image store stays
	rm -rf data models results private card croissant.json plots-diff dvc_plots .pytest_cache .mypy_cache .ruff_cache .hypothesis
