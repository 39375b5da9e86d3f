.DEFAULT_GOAL := help
SHELL := bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
# A service is started often: its compiled modules are kept whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

PY_VERSION := $(shell cat .python-version)
BOOT := .attest/boot
UV := $(BOOT)/bin/uv
RUN := .venv/bin
STAMP := .attest/synced
CLOCK ?=
HOST ?= 127.0.0.1
PORT ?= 8080
T ?=
ARGS ?=
# Each module has a database of its own: a machine with more cores may take more of them (WORKERS=4).
WORKERS ?= 2
# A seed of `make test-deep` repeats its order.
SEED ?=
PYTEST = $(RUN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --no-loadscope-reorder --durations=25 --durations-min=5

##@ Run
.PHONY: up demo down reset status
up: $(STAMP) ## Start the whole platform (PORT=8080, CLOCK=2026-03-01T08:00Z, HOST=)
	$(RUN)/attest up --host "$(HOST)" --port "$(PORT)" $(if $(CLOCK),--clock "$(CLOCK)")

demo: $(STAMP) ## Start it with a plant's files and play the story of a revised procedure
	$(RUN)/attest demo --host "$(HOST)" --port "$(PORT)"

down: $(STAMP) ## Stop the platform
	$(RUN)/attest down

reset: $(STAMP) ## Remove all data of the local platform
	$(RUN)/attest reset --yes

status: $(STAMP) ## Show what runs
	$(RUN)/attest status

##@ Test
.PHONY: test test-deep test-containers bench lint format generate requirements
test: $(STAMP) ## Run all tests (T=path ARGS=-k...)
	$(if $(T),,$(RUN)/python -m attest.web test)
	$(PYTEST) $(T) $(ARGS)

test-deep: $(STAMP) ## Run all tests in another order with 200 examples of each law, and the faults twice more (60 minutes)
	@seed=$$RANDOM
	echo "attest: the order of this run is SEED=$(or $(SEED),$$seed)" >&2
	$(PYTEST) --deep --shuffle "$(or $(SEED),$$seed)" $(T) $(ARGS)
	for again in 1 2; do
	  $(PYTEST) --deep --shuffle "$(or $(SEED),$$seed)$$again" libs/servicekit/tests/bus libs/servicekit/tests/lanes tests/faults
	done

test-containers: $(STAMP) ## Run the bus tests and docker-compose.yml on containers (needs a Docker engine)
	$(RUN)/python -m pytest -q --backend=containers libs/servicekit/tests/bus tests/containers $(ARGS)

bench: $(STAMP) ## Measure; writes build/bench.json
	$(RUN)/attest bench

lint: $(STAMP) ## ruff, types, import rules, generated files in step, the pages too
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/pyright
	$(RUN)/lint-imports
	$(RUN)/python -m attest_contracts.tools.generate --check
	$(RUN)/python -m attest_contracts.tools.lock --check
	$(RUN)/attest openapi --check
	$(RUN)/python -m attest.requirements --check
	$(RUN)/python -m attest.web lint

format: $(STAMP) ## Format the code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .
	$(RUN)/python -m attest.web format

generate: $(STAMP) ## Make the generated files anew
	$(RUN)/python -m attest_contracts.tools.generate
	$(RUN)/attest openapi
	$(RUN)/python -m attest.requirements --write
	$(RUN)/python -m attest.web types

requirements: $(STAMP) ## Print the state of each requirement and the tests that claim it
	$(RUN)/python -m attest.requirements

##@ Help
.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z_-]+:.*?##/ {printf "  %-18s %s\n", $$1, $$2}' Makefile

# --- set-up: a Python of the wanted version brings uv, uv brings everything else by the lock file ---
.PHONY: python
$(UV):
	@python=""
	for candidate in python$(PY_VERSION) python3 python; do
	  if command -v $$candidate >/dev/null 2>&1 && [ "$$($$candidate -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(PY_VERSION)" ]; then python=$$candidate; break; fi
	done
	if [ -z "$$python" ]; then
	  for candidate in $$HOME/.pyenv/versions/$(PY_VERSION)*/bin/python; do [ -x $$candidate ] && python=$$candidate && break; done
	fi
	if [ -z "$$python" ]; then echo "attest: Python $(PY_VERSION) was not found on the PATH (python$(PY_VERSION), python3, python)" >&2; exit 1; fi
	mkdir -p .attest
	echo "attest: first start, getting uv and what uv.lock names (once; this can take some minutes)" >&2
	$$python -m venv $(BOOT)
	$(BOOT)/bin/pip install --disable-pip-version-check "uv~=0.13" >&2

$(STAMP): $(UV) uv.lock pyproject.toml contracts/pyproject.toml tools/attest/pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
	@# uv tells each package that it gets, with its size; a synced workspace is told in one line.
	UV_PYTHON=$(BOOT)/bin/python $(UV) sync --locked
	touch $(STAMP)
